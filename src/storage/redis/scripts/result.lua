-- Stores a result apart from a settlement. It says nothing about the activity, which may well be waiting for its claim.
--
-- KEYS  1 marker
-- ARGV  1 result · 2 its time in ms · 3 ttlMs, where there is no activity's marker that decides it
-- Reply: nothing
local marker = readMarker(KEYS[1]) or {}
marker.r, marker.t = ARGV[1], ARGV[2]
if marker.s then writeMarker(KEYS[1], marker, 'KEEPTTL') else writeMarker(KEYS[1], marker, 'PX', ARGV[3]) end
return {}
