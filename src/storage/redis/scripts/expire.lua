-- Puts the deadline of a lease, or of a reaper's claim, into the past. For tests.
--
-- KEYS  1 leases · 2 marker
-- ARGV  1 id
-- Reply: '1' when there was one, else ''
local marker = readMarker(KEYS[2])
if not marker or (marker.s ~= 'running' and marker.s ~= 'reaping') then return { '' } end
marker.d = '1'
writeMarker(KEYS[2], marker)
redis.call('ZADD', KEYS[1], 'XX', 1, ARGV[1])
return { '1' }
