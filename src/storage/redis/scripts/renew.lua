-- Moves leases' deadlines; never shortens one.
--
-- KEYS  1 leases · then per item: marker
-- ARGV  per item: id, leaseId, byMs
-- Reply per item, flat: deadlineMs or '' when the lease is lost, '1' when cancel was asked for
local now = nowMs()
local reply, leases = {}, {}
for i = 2, #KEYS do
  local at = (i - 2) * 3
  local marker = readMarker(KEYS[i]) or {}
  local cancel = marker.c and '1' or ''
  if marker.s == 'running' and marker.l == ARGV[at + 2] then
    marker.d = text(math.max(tonumber(marker.d), now + tonumber(ARGV[at + 3])))
    leases[#leases + 1] = marker.d
    leases[#leases + 1] = ARGV[at + 1]
    reply[#reply + 1] = marker.d
    writeMarker(KEYS[i], marker)
  else
    reply[#reply + 1] = ''
  end
  reply[#reply + 1] = cancel
end
if #leases > 0 then redis.call('ZADD', KEYS[1], unpack(leases)) end
return reply
