-- Takes scheduled attempts out of the due-time index.
--
-- KEYS  1 due · 2 delayed · 3 scheduled counts
-- ARGV  per item: member, type|priority ('' : looked up in the value)
-- Reply: how many were there
local removed, counts = 0, {}
for at = 1, #ARGV, 2 do
  if redis.call('ZREM', KEYS[1], ARGV[at]) == 1 then
    removed = removed + 1
    local field = ARGV[at + 1]
    if field == '' then field = string.match(redis.call('HGET', KEYS[2], ARGV[at]) or '', '^([^|]*|[^|]*)|') or '?' end
    counts[field] = (counts[field] or 0) - 1
  end
  redis.call('HDEL', KEYS[2], ARGV[at])
end
for field, count in pairs(counts) do redis.call('HINCRBY', KEYS[3], field, count) end
return removed
