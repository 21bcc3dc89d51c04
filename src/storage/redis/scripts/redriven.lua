-- Remembers what ended activities were redriven as, where Redis has forgotten. Doing it again changes nothing.
--
-- KEYS  per item: marker of the one that was redriven
-- ARGV  per item 2: id that it was redriven as, expiresAtMs
-- Reply: how many were written
local now = nowMs()
local written = 0
for i = 1, #KEYS do
  local newId, expiresAt = ARGV[i * 2 - 1], tonumber(ARGV[i * 2])
  if expiresAt > now then
    local marker = readMarker(KEYS[i]) or {}
    if not marker.rd then
      marker.rd = newId
      written = written + 1
    end
    if marker.rd == newId then
      marker.rp = '1'
      local left = redis.call('PTTL', KEYS[i])
      -- A marker without a time limit keeps a cancelled activity from running until its lane record is seen: that stays so.
      local isKept = (left == -1 and marker.s) or left >= expiresAt - now
      if isKept then writeMarker(KEYS[i], marker, 'KEEPTTL') else writeMarker(KEYS[i], marker, 'PXAT', text(expiresAt)) end
    end
  end
end
return written
