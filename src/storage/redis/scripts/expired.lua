-- Ids whose lease (or whose reaper's claim) is over, the longest over first.
--
-- KEYS  1 leases
-- ARGV  1 limit
-- Reply ids
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
