-- Confirms reserved keys: Kafka remembers the activity now.
--
-- KEYS  1 reservations · then per item: key entry
-- ARGV  per item: id, member
-- Reply per item: 'confirmed' | 'other' when the key has moved to another activity meanwhile
local reply = {}
for i = 2, #KEYS do
  local at = (i - 2) * 2
  local entry = redis.call('HMGET', KEYS[i], 'id', 'st')
  if entry[1] == ARGV[at + 1] then
    if entry[2] == 'reserved' then redis.call('HSET', KEYS[i], 'st', 'active') end
    redis.call('HDEL', KEYS[i], 'e')
    redis.call('ZREM', KEYS[1], ARGV[at + 2])
    reply[#reply + 1] = 'confirmed'
  else
    reply[#reply + 1] = 'other'
  end
end
return reply
