-- Ids whose lease (or whose reaper's claim) is over, the longest over first.
--
-- KEYS  1 leases · 2 grace · 3 generation
-- ARGV  1 limit
-- Reply ids; none in the time of grace after Redis was started anew, nor before it was told what has ended (`generation.lua`)
if not wasTold(KEYS[3]) then return {} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {} end
local now = nowMs()
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
