-- Writes markers of attempts that the log says have ended, where Redis knows of none, or of an earlier state: after it was
-- emptied, or came back with an older state. Whatever it knows beyond the log stays.
--
-- KEYS  1 leases · 2 running counts · then per item: marker
-- ARGV  1 markerTtlMs · 2 resultTtlMs · then per item 13: id, lease id, status, next attempt, outcome, attempt, endedAtMs, dueAtMs,
--       startedAtMs, worker, type|priority, error, result
-- Reply: how many were written
local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }
local written = 0
for i = 3, #KEYS do
  local at = 2 + (i - 3) * 13
  local marker = redis.call('HMGET', KEYS[i], 's', 'n', 'k')
  local status = marker[1]
  if not status or (not terminal[status] and tonumber(marker[2]) <= tonumber(ARGV[at + 6])) then
    local fields = { 's', ARGV[at + 3], 'n', ARGV[at + 4], 'so', ARGV[at + 5], 'sn', ARGV[at + 6], 't', ARGV[at + 7],
      'sa', ARGV[at + 8], 'w', ARGV[at + 10], 'tp', ARGV[at + 11], 'k', marker[3] or '' }
    local ttl = ARGV[1]
    if ARGV[at + 2] ~= '' then fields[#fields + 1] = 'sl' fields[#fields + 1] = ARGV[at + 2] end
    if ARGV[at + 9] ~= '' then fields[#fields + 1] = 'b' fields[#fields + 1] = ARGV[at + 9] end
    if ARGV[at + 12] ~= '' then fields[#fields + 1] = 'er' fields[#fields + 1] = ARGV[at + 12] end
    if ARGV[at + 13] ~= '' then
      fields[#fields + 1] = 'r'
      fields[#fields + 1] = ARGV[at + 13]
      ttl = ARGV[2]
    end
    redis.call('HDEL', KEYS[i], 'l', 'd', 'e', 'c', 'cr', 'rc', 'sd', 'er')
    redis.call('HSET', KEYS[i], unpack(fields))
    redis.call('PEXPIRE', KEYS[i], ttl)
    redis.call('ZREM', KEYS[1], ARGV[at + 1])
    if status == 'running' or status == 'reaping' then redis.call('HINCRBY', KEYS[2], ARGV[at + 11], -1) end
    written = written + 1
  end
end
return written
