-- Puts scheduled attempts into the due-time index, unless Redis knows that they are over, or they are there already.
--
-- KEYS  1 due · 2 delayed · 3 scheduled counts · then per item: marker
-- ARGV  per item: member (id:attempt), attempt, dueAtMs, value, type|priority
-- Reply per item: 'indexed' | 'known' | 'over'
local reply, counts = {}, {}
local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }
for i = 4, #KEYS do
  local at = (i - 4) * 5
  local marker = redis.call('HMGET', KEYS[i], 's', 'n')
  local current, attempt = tonumber(marker[2] or '0'), tonumber(ARGV[at + 2])
  local over = marker[1] and (terminal[marker[1]] or current > attempt or (current == attempt and marker[1] ~= 'scheduled'))
  if over then
    reply[#reply + 1] = 'over'
  elseif redis.call('ZADD', KEYS[1], 'NX', ARGV[at + 3], ARGV[at + 1]) == 1 then
    redis.call('HSET', KEYS[2], ARGV[at + 1], ARGV[at + 4])
    counts[ARGV[at + 5]] = (counts[ARGV[at + 5]] or 0) + 1
    reply[#reply + 1] = 'indexed'
  else
    reply[#reply + 1] = 'known'
  end
end
for field, count in pairs(counts) do redis.call('HINCRBY', KEYS[3], field, count) end
return reply
