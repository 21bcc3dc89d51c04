-- Gives a lock back, unless it has run out and is another's by now.
--
-- KEYS  1 lock
-- ARGV  1 token
-- Reply: '1' when it was ours, else ''
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return { '' } end
redis.call('DEL', KEYS[1])
return { '1' }
