-- How far a rebuild has come, for whoever continues it. The hash belongs to one run of the server and is gone with its data,
-- so that no position outlives what was written below it.
--
-- KEYS  1 the rebuild's hash: `run` (of the server, and the token of who began it), `finished`, and the next offset to read of each `phase/topic/partition`
-- ARGV  1 'begin' | 'restart' | 'advance' | 'finish' · 2 ttlMs · 3 token to begin with, else `run` as the beginning replied it ·
--       to advance: 4 field, 5 next offset
-- Reply: 'lost' when the hash is not that of the beginning any more, or of another run of the server; else 'kept', and at the beginning what it holds
local run = serverRun()
local begun = redis.call('HGET', KEYS[1], 'run') or ''
local isOfRun = string.sub(begun, 1, #run + 1) == run .. ' '
if ARGV[1] == 'begin' or ARGV[1] == 'restart' then
  if not isOfRun or ARGV[1] == 'restart' or redis.call('HEXISTS', KEYS[1], 'finished') == 1 then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'run', run .. ' ' .. ARGV[3])
  end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  local reply = redis.call('HGETALL', KEYS[1])
  table.insert(reply, 1, 'kept')
  return reply
end
if not isOfRun or begun ~= ARGV[3] then return { 'lost' } end
if ARGV[1] == 'finish' then
  -- Not deleted: another who is at it too would take it for lost, and do it all again.
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'run', begun, 'finished', '1')
elseif tonumber(redis.call('HGET', KEYS[1], ARGV[4]) or '-1') < tonumber(ARGV[5])
  and redis.call('HEXISTS', KEYS[1], 'finished') == 0 then
  redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { 'kept' }
