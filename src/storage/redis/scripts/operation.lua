-- Keeps how far an operation has come, and lists it as the one that was saved last. Doing it again changes nothing.
--
-- KEYS  1 the operation's progress · 2 operations by when they were saved last
-- ARGV  1 id · 2 progress · 3 ttlMs · 4 how many are listed · 5 '1': only where nothing is kept
-- Reply: '1' when it was kept, else ''
if ARGV[5] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return { '' } end
local now = nowMs()
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], text(now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now - ARGV[3]))
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return { '1' }
