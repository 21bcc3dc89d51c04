-- How far a rebuild has come, for whoever continues it. The hash belongs to one run of the server and is gone with its data,
-- so that no position outlives what was written below it.
--
-- KEYS  1 the rebuild's hash: `run`, `finished`, and the next offset to read of each `phase/topic/partition`
-- ARGV  1 'begin' | 'restart' | 'advance' | 'finish' · 2 ttlMs · to advance: 3 field, 4 next offset
-- Reply: 'lost' when the hash is not of this run of the server (any more); else 'kept', and at the beginning what it holds
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown'
local isOurs = redis.call('HGET', KEYS[1], 'run') == run
if ARGV[1] == 'begin' or ARGV[1] == 'restart' then
  if not isOurs or ARGV[1] == 'restart' or redis.call('HEXISTS', KEYS[1], 'finished') == 1 then redis.call('DEL', KEYS[1]) end
  redis.call('HSET', KEYS[1], 'run', run)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  local reply = redis.call('HGETALL', KEYS[1])
  table.insert(reply, 1, 'kept')
  return reply
end
if not isOurs then return { 'lost' } end
if ARGV[1] == 'finish' then
  -- Not deleted: another who is at it too would take it for lost, and do it all again.
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'run', run, 'finished', '1')
elseif tonumber(redis.call('HGET', KEYS[1], ARGV[3]) or '-1') < tonumber(ARGV[4])
  and redis.call('HEXISTS', KEYS[1], 'finished') == 0 then
  redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return { 'kept' }
