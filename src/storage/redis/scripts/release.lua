-- Gives attempts back without counting them. Repeating it gives the same answer.
--
-- KEYS  1 leases · 2 running counts · then per item: marker
-- ARGV  1 markerTtlMs · then per item: id, leaseId
-- Reply per item: 'released' | 'lease_lost' | 'cancel_requested' (not given back: it is for the holder to end)
local reply, gone, running = {}, {}, {}
for i = 3, #KEYS do
  local at = 1 + (i - 3) * 2
  local marker = redis.call('HMGET', KEYS[i], 's', 'l', 'rl', 'tp', 'c')
  if marker[1] == 'running' and marker[2] == ARGV[at + 2] and marker[5] then
    reply[#reply + 1] = 'cancel_requested'
  elseif (marker[1] == 'running' or marker[1] == 'reaping') and marker[2] == ARGV[at + 2] then
    redis.call('HSET', KEYS[i], 's', 'pending', 'rl', ARGV[at + 2])
    redis.call('HDEL', KEYS[i], 'l', 'd', 'e')
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    gone[#gone + 1] = ARGV[at + 1]
    running[marker[4]] = (running[marker[4]] or 0) - 1
    reply[#reply + 1] = 'released'
  else
    -- the same release once more, as long as nobody has claimed it since
    reply[#reply + 1] = marker[1] == 'pending' and marker[3] == ARGV[at + 2] and 'released' or 'lease_lost'
  end
end
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
for field, count in pairs(running) do redis.call('HINCRBY', KEYS[2], field, count) end
return reply
