-- Ends an activity that does not run, or asks a running one to end.
--
-- KEYS  1 marker · 2 key entry (or the marker again) · 3 due · 4 delayed · 5 scheduled counts · 6 unseen counts · 7 ended counts of now
--       8 generation
-- ARGV  1 id · 2 attempt that is waiting · 3 member that it waits under (id:attempt, of a home more) · 4 type|priority · 5 reason · 6 error · 7 result · 8 ttlMs
--       9 endedTtlMs · 10 channel · 11 key · 12 '1' when the caller has seen its lane record · 13 token
-- Reply: 'unrestored' (this run of Redis was not told yet what has ended: `generation.lua`) | 'requested' | 'ended' | 'moved' (another attempt than the caller thought) | 'unknown' | 'cancelled' + endedAtMs + value of the delay index or ''
if not wasTold(KEYS[8]) then return { 'unrestored' } end
local nowText = text(nowMs())
local marker = readMarker(KEYS[1]) or {}
local status = marker.s
if status == 'running' or status == 'reaping' then
  if not marker.c then
    marker.c, marker.cr = '1', ARGV[5]
    writeMarker(KEYS[1], marker)
  end
  return { 'requested' }
end
if status and terminal[status] then
  if marker.sl == ARGV[13] then return { 'cancelled', marker.t, '' } end
  return { 'ended' }
end
if status and marker.n ~= ARGV[2] then return { 'moved' } end
local value = redis.call('HGET', KEYS[4], ARGV[3])
if not status and not value and ARGV[12] ~= '1' then return { 'unknown' } end

marker.s, marker.n, marker.sl, marker.so, marker.sn, marker.t = 'cancelled', ARGV[2], ARGV[13], 'cancelled', ARGV[2], nowText
marker.er, marker.r, marker.tp, marker.k = ARGV[6], ARGV[7], ARGV[4], some(ARGV[11])
marker.b, marker.sa, marker.h, marker.tr = nil, nil, nil, nil
if value then
  -- counted by the first two parts of its value, as it was indexed
  if redis.call('ZREM', KEYS[3], ARGV[3]) == 1 then
    redis.call('HINCRBY', KEYS[5], string.match(value, '^([^|]*|[^|]*)|') or ARGV[4], -1)
  end
  redis.call('HDEL', KEYS[4], ARGV[3])
  writeMarker(KEYS[1], marker, 'PX', ARGV[8])
else
  -- A lane record of it waits in Kafka: until a worker has seen it, this marker is all that keeps it from running.
  writeMarker(KEYS[1], marker)
  redis.call('HINCRBY', KEYS[6], ARGV[4], 1)
end
if KEYS[2] ~= KEYS[1] and redis.call('HGET', KEYS[2], 'id') == ARGV[1] then redis.call('HSET', KEYS[2], 'st', 'unsuccessful') end
redis.call('HINCRBY', KEYS[7], ARGV[4] .. '|cancelled', 1)
redis.call('PEXPIRE', KEYS[7], ARGV[9])
redis.call('PUBLISH', ARGV[10], ARGV[1])
return { 'cancelled', nowText, value or '' }
