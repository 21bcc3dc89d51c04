-- Gives attempts back without counting them. Repeating it gives the same answer. One that has a home in the schedule has no lane
-- record any more: its home is due at once.
--
-- KEYS  1 leases · 2 running counts · 3 due · then per item: marker
-- ARGV  1 markerTtlMs · then per item: id, leaseId
-- Reply per item: 'released' | 'lease_lost' | 'cancel_requested' (not given back: it is for the holder to end)
local reply, gone, running = {}, {}, {}
for i = 4, #KEYS do
  local at = 1 + (i - 4) * 2
  local marker = readMarker(KEYS[i]) or {}
  if marker.s == 'running' and marker.l == ARGV[at + 2] and marker.c then
    reply[#reply + 1] = 'cancel_requested'
  elseif (marker.s == 'running' or marker.s == 'reaping') and marker.l == ARGV[at + 2] then
    marker.s, marker.rl = 'pending', ARGV[at + 2]
    marker.l, marker.d, marker.e = nil, nil, nil
    writeMarker(KEYS[i], marker, 'PX', ARGV[1])
    if marker.h then redis.call('ZADD', KEYS[3], 'XX', 0, marker.h) end
    gone[#gone + 1] = ARGV[at + 1]
    running[marker.tp] = (running[marker.tp] or 0) - 1
    reply[#reply + 1] = 'released'
  else
    -- the same release once more, as long as nobody has claimed it since
    reply[#reply + 1] = marker.s == 'pending' and marker.rl == ARGV[at + 2] and 'released' or 'lease_lost'
  end
end
if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
for field, count in pairs(running) do redis.call('HINCRBY', KEYS[2], field, count) end
return reply
