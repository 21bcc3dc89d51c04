-- Moves leases' deadlines; never shortens one.
--
-- KEYS  1 leases · then per item: marker
-- ARGV  per item: id, leaseId, byMs
-- Reply per item, flat: deadlineMs or '' when the lease is lost, '1' when cancel was asked for
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local reply, leases = {}, {}
for i = 2, #KEYS do
  local at = (i - 2) * 3
  local marker = redis.call('HMGET', KEYS[i], 's', 'l', 'd', 'c')
  if marker[1] == 'running' and marker[2] == ARGV[at + 2] then
    local deadline = math.max(tonumber(marker[3]), now + tonumber(ARGV[at + 3]))
    redis.call('HSET', KEYS[i], 'd', deadline)
    leases[#leases + 1] = deadline
    leases[#leases + 1] = ARGV[at + 1]
    reply[#reply + 1] = string.format('%.0f', deadline)
  else
    reply[#reply + 1] = ''
  end
  reply[#reply + 1] = marker[4] and '1' or ''
end
if #leases > 0 then redis.call('ZADD', KEYS[1], unpack(leases)) end
return reply
