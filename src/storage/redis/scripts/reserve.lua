-- Reserves idempotency keys. What each state of a key means was decided by `core/idempotency.ts` and comes as a table.
-- An entry remembers the latest activities that it stood for before (`p`, ids newest first), so that one of them that is
-- sent again, because its caller never saw the answer, does not take the key back.
--
-- KEYS  1 reservations · 2 generation · then per item: key entry
-- ARGV  per item: id, member, envelope, ttlMs, verdict if active, if succeeded, if unsuccessful
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else per item, flat: 'create' | 'existing' | 'duplicate' | 'conflict', existing id or '', its state or ''
if not wasTold(KEYS[2]) then return {} end
local now = nowMs()
local reply = {}
local function say(...)
  for _, value in ipairs({ ... }) do reply[#reply + 1] = value end
end
for i = 3, #KEYS do
  local at = (i - 3) * 7
  local id = ARGV[at + 1]
  local entry = redis.call('HMGET', KEYS[i], 'id', 'st', 'p')
  local existing, state, earlier = entry[1], entry[2], entry[3] or ''
  local verdict = 'create'
  if existing == id then
    -- the same enqueue once more: a lost reply, or a caller that tries again
    if state ~= 'reserved' then verdict = 'existing' end
  elseif isAmong(id, earlier) then
    verdict, existing, state = 'existing', id, 'active'
  elseif existing then
    local column = 5
    if state == 'succeeded' then column = 6 elseif state == 'unsuccessful' then column = 7 end
    verdict = ARGV[at + column]
  end
  if verdict == 'create' then
    -- One that was only reserved may never have come to Kafka: its producer says so when it has.
    if existing and existing ~= id and state ~= 'reserved' then
      redis.call('HSET', KEYS[i], 'p', earlierWith(existing, earlier))
    end
    redis.call('HSET', KEYS[i], 'id', id, 'st', 'reserved', 'e', ARGV[at + 3])
    redis.call('PEXPIRE', KEYS[i], ARGV[at + 4])
    redis.call('ZADD', KEYS[1], now, ARGV[at + 2])
    say('create', '', '')
  else
    say(verdict, existing, state)
  end
end
return reply
