-- Tells whether this run of Redis was told what the logs know, or says that it was. The generation is the server's run id: it
-- is another one after every restart or failover, whose last writes may be gone, and gone itself from an emptied Redis.
--
-- A server that was started anew with its data gives those who hold leases some time to renew them before any is reaped.
--
-- KEYS  1 generation · 2 grace
-- ARGV  1 '' to ask; else the run id that was restored: it counts only while it is still that run · 2 graceMs
-- Reply: '1' when it was told, else ''; run id
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown'
if ARGV[1] ~= '' and ARGV[1] == run then
  local before = redis.call('GETSET', KEYS[1], run)
  if before and before ~= run then redis.call('SET', KEYS[2], '1', 'PX', ARGV[2]) end
end
return { redis.call('GET', KEYS[1]) == run and '1' or '', run }
