-- Ends an activity that does not run, or asks a running one to end.
--
-- KEYS  1 marker · 2 key entry (or the marker again) · 3 due · 4 delayed · 5 scheduled counts · 6 unseen counts · 7 ended counts of now
--       8 generation
-- ARGV  1 id · 2 attempt that is waiting · 3 member (id:attempt) · 4 type|priority · 5 reason · 6 error · 7 result · 8 markerTtlMs
--       9 endedTtlMs · 10 channel · 11 key · 12 '1' when the caller has seen its lane record · 13 token
-- Reply: 'unrestored' (this run of Redis was not told yet what has ended: `generation.lua`) | 'requested' | 'ended' | 'moved' (another attempt than the caller thought) | 'unknown' | 'cancelled' + endedAtMs + value of the delay index or ''
if not wasTold(KEYS[8]) then return { 'unrestored' } end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local nowText = string.format('%.0f', now)
local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }
local marker = redis.call('HMGET', KEYS[1], 's', 'n', 'sl', 't')
local status = marker[1]
if status == 'running' or status == 'reaping' then
  if redis.call('HSETNX', KEYS[1], 'c', '1') == 1 then redis.call('HSET', KEYS[1], 'cr', ARGV[5]) end
  return { 'requested' }
end
if status and terminal[status] then
  if marker[3] == ARGV[13] then return { 'cancelled', marker[4], '' } end
  return { 'ended' }
end
if status and marker[2] ~= ARGV[2] then return { 'moved' } end
local value = redis.call('HGET', KEYS[4], ARGV[3])
if not status and not value and ARGV[12] ~= '1' then return { 'unknown' } end

redis.call('HSET', KEYS[1], 's', 'cancelled', 'n', ARGV[2], 'sl', ARGV[13], 'so', 'cancelled', 'sn', ARGV[2], 't', nowText,
  'er', ARGV[6], 'r', ARGV[7], 'tp', ARGV[4], 'k', ARGV[11])
redis.call('HDEL', KEYS[1], 'b', 'sa')
if value then
  if redis.call('ZREM', KEYS[3], ARGV[3]) == 1 then redis.call('HINCRBY', KEYS[5], ARGV[4], -1) end
  redis.call('HDEL', KEYS[4], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
else
  -- A lane record of it waits in Kafka: until a worker has seen it, this marker is all that keeps it from running.
  redis.call('PERSIST', KEYS[1])
  redis.call('HINCRBY', KEYS[6], ARGV[4], 1)
end
if KEYS[2] ~= KEYS[1] and redis.call('HGET', KEYS[2], 'id') == ARGV[1] then redis.call('HSET', KEYS[2], 'st', 'unsuccessful') end
redis.call('HINCRBY', KEYS[7], ARGV[4] .. '|cancelled', 1)
redis.call('PEXPIRE', KEYS[7], ARGV[9])
redis.call('PUBLISH', ARGV[10], ARGV[1])
return { 'cancelled', nowText, value or '' }
