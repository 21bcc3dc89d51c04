-- Reserves idempotency keys. What each state of a key means was decided by `core/idempotency.ts` and comes as a table.
--
-- KEYS  1 reservations · then per item: key entry
-- ARGV  per item: id, member, envelope, ttlMs, verdict if active, if succeeded, if unsuccessful
-- Reply per item, flat: 'create' | 'existing' | 'duplicate' | 'conflict', existing id or '', its state or ''
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local reply = {}
local function say(...)
  for _, value in ipairs({ ... }) do reply[#reply + 1] = value end
end
for i = 2, #KEYS do
  local at = (i - 2) * 7
  local id = ARGV[at + 1]
  local entry = redis.call('HMGET', KEYS[i], 'id', 'st')
  local existing, state = entry[1], entry[2]
  local verdict = 'create'
  if existing == id then
    -- the same enqueue once more: a lost reply, or a caller that tries again
    if state ~= 'reserved' then verdict = 'existing' end
  elseif existing then
    local column = 5
    if state == 'succeeded' then column = 6 elseif state == 'unsuccessful' then column = 7 end
    verdict = ARGV[at + column]
  end
  if verdict == 'create' then
    redis.call('HSET', KEYS[i], 'id', id, 'st', 'reserved', 'e', ARGV[at + 3])
    redis.call('PEXPIRE', KEYS[i], ARGV[at + 4])
    redis.call('ZADD', KEYS[1], now, ARGV[at + 2])
    say('create', '', '')
  else
    say(verdict, existing, state)
  end
end
return reply
