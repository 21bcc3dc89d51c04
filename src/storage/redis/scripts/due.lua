-- Takes what is due, earliest first, with a short claim of its own: what is not forgotten by then is due again.
--
-- KEYS  1 due · 2 delayed · 3 generation
-- ARGV  1 limit · 2 claimMs
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else ms until the next due time or '', Redis's time, then flat: member, value
if not wasTold(KEYS[3]) then return {} end
local now = nowMs()
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])
local reply = { '', text(now) }
for _, member in ipairs(members) do
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), member)
  reply[#reply + 1] = member
  reply[#reply + 1] = redis.call('HGET', KEYS[2], member) or ''
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] then reply[1] = string.format('%.0f', math.max(0, tonumber(first[2]) - now)) end
return reply
