-- Confirms reserved keys: Kafka remembers the activity now.
--
-- KEYS  1 reservations · then per item: key entry
-- ARGV  per item: id, member
-- Reply per item: 'confirmed' | 'other' when the key has moved to another activity meanwhile, which it remembers
local reply = {}
for i = 2, #KEYS do
  local at = (i - 2) * 2
  local entry = redis.call('HMGET', KEYS[i], 'id', 'st', 'p')
  if entry[1] == ARGV[at + 1] then
    if entry[2] == 'reserved' then redis.call('HSET', KEYS[i], 'st', 'active') end
    redis.call('HDEL', KEYS[i], 'e')
    redis.call('ZREM', KEYS[1], ARGV[at + 2])
    reply[#reply + 1] = 'confirmed'
  else
    if entry[1] then redis.call('HSET', KEYS[i], 'p', earlierWith(ARGV[at + 1], entry[3] or '')) end
    reply[#reply + 1] = 'other'
  end
end
return reply
