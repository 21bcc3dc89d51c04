-- Writes markers of attempts that the log says have ended, where there is none: after Redis was emptied.
--
-- KEYS  per item: marker
-- ARGV  1 markerTtlMs · 2 resultTtlMs · then per item 11: status, next attempt, outcome, attempt, endedAtMs, dueAtMs, startedAtMs,
--       worker, type|priority, error, result
-- Reply: how many were written
local written = 0
for i = 1, #KEYS do
  local at = 2 + (i - 1) * 11
  if redis.call('HEXISTS', KEYS[i], 's') == 0 then
    local fields = { 's', ARGV[at + 1], 'n', ARGV[at + 2], 'so', ARGV[at + 3], 'sn', ARGV[at + 4], 't', ARGV[at + 5],
      'sa', ARGV[at + 6], 'w', ARGV[at + 8], 'tp', ARGV[at + 9], 'k', '' }
    local ttl = ARGV[1]
    if ARGV[at + 7] ~= '' then fields[#fields + 1] = 'b' fields[#fields + 1] = ARGV[at + 7] end
    if ARGV[at + 10] ~= '' then fields[#fields + 1] = 'er' fields[#fields + 1] = ARGV[at + 10] end
    if ARGV[at + 11] ~= '' then
      fields[#fields + 1] = 'r'
      fields[#fields + 1] = ARGV[at + 11]
      ttl = ARGV[2]
    end
    redis.call('HSET', KEYS[i], unpack(fields))
    redis.call('PEXPIRE', KEYS[i], ttl)
    written = written + 1
  end
end
return written
