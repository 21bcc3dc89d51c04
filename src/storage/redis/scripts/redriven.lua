-- Remembers what ended activities were redriven as, where Redis has forgotten. Doing it again changes nothing.
--
-- KEYS  per item: marker of the one that was redriven
-- ARGV  per item 2: id that it was redriven as, expiresAtMs
-- Reply: how many were written
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local written = 0
for i = 1, #KEYS do
  local newId, expiresAt = ARGV[i * 2 - 1], tonumber(ARGV[i * 2])
  if expiresAt > now then
    written = written + redis.call('HSETNX', KEYS[i], 'rd', newId)
    if redis.call('HGET', KEYS[i], 'rd') == newId then
      redis.call('HSET', KEYS[i], 'rp', '1')
      local left = redis.call('PTTL', KEYS[i])
      -- A marker without a time limit keeps a cancelled activity from running until its lane record is seen: that stays so.
      local isKept = left == -1 and redis.call('HEXISTS', KEYS[i], 's') == 1
      if not isKept and left < expiresAt - now then redis.call('PEXPIREAT', KEYS[i], expiresAt) end
    end
  end
end
return written
