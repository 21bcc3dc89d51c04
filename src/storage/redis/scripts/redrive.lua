-- Decides, once for all who ask, which id an ended activity is redriven as; or notes that Kafka has that one.
--
-- KEYS  1 marker
-- ARGV  1 'decide' | 'confirm' · 2 the new id, to decide · 3 ttlMs
-- Reply: the id that it is redriven as
local marker = readMarker(KEYS[1])
if ARGV[1] == 'decide' then
  marker = marker or {}
  marker.rd = marker.rd or ARGV[2]
  -- Without a time limit it keeps a cancelled activity from running until its lane record is seen: that stays so.
  if redis.call('PTTL', KEYS[1]) == -1 then writeMarker(KEYS[1], marker) else writeMarker(KEYS[1], marker, 'PX', ARGV[3]) end
elseif marker then
  marker.rp = '1'
  writeMarker(KEYS[1], marker, 'KEEPTTL')
end
return { marker and marker.rd or '' }
