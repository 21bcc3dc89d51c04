-- Looks at homes of long attempts that were taken as due (`due.lua`): puts off those whose attempts run.
--
-- KEYS  1 due · then per item: marker
-- ARGV  1 lookMs · then per item: member, attempt
-- Reply per item: 'running' (due again after lookMs) | 'waiting' (given back, or Redis knows nothing) | 'over'
local now = nowMs()
local reply = {}
for i = 2, #KEYS do
  local at = 1 + (i - 2) * 2
  local marker = readMarker(KEYS[i]) or {}
  local standing = standingOf(marker.s, tonumber(marker.n or '0'), tonumber(ARGV[at + 2]))
  if standing == 'running' then redis.call('ZADD', KEYS[1], 'XX', now + tonumber(ARGV[1]), ARGV[at + 1]) end
  reply[#reply + 1] = standing
end
return reply
