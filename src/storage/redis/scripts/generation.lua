-- Tells whether this run of Redis was told what the logs know, or says that it was. The generation is the server's run id: it
-- is another one after every restart or failover, whose last writes may be gone, and gone itself from an emptied Redis.
-- A restore counts only when its token is still there at its end: else Redis has lost data meanwhile, or another restores.
-- A server that was started anew with its data gives those who hold leases some time to renew them before any is reaped.
--
-- KEYS  1 generation · 2 grace · 3 restoring
-- ARGV  1 'ask' | 'begin' | 'end' · 2 token of the restore · 3 graceMs · 4 tokenMs
-- Reply: '1' when it was told, else ''
local run = serverRun()
if ARGV[1] == 'begin' then redis.call('SET', KEYS[3], run .. ' ' .. ARGV[2], 'PX', ARGV[4]) end
if ARGV[1] == 'end' and redis.call('GET', KEYS[3]) == run .. ' ' .. ARGV[2] then
  redis.call('DEL', KEYS[3])
  local before = redis.call('GETSET', KEYS[1], run)
  if before and before ~= run then redis.call('SET', KEYS[2], '1', 'PX', ARGV[3]) end
end
return { wasTold(KEYS[1]) and '1' or '' }
