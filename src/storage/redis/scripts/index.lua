-- Puts scheduled attempts into the due-time index, unless Redis knows that they are over, or they are there already; and homes
-- of long attempts, over or not: who looks at one when it is due sees to that (`look.lua`).
--
-- KEYS  1 due · 2 delayed · 3 scheduled counts · then per item: marker
-- ARGV  1 lookMs · then per item 6: member (id:attempt, of a home more), attempt, dueAtMs, value, type|priority (of a home more), '1' for a home
-- Reply per item: 'indexed' | 'known' | 'over'
local now = nowMs()
local reply, counts = {}, {}
for i = 4, #KEYS do
  local at = 1 + (i - 4) * 6
  local member, due = ARGV[at + 1], ARGV[at + 3]
  local marker = readMarker(KEYS[i]) or {}
  local status, current, attempt = marker.s, tonumber(marker.n or '0'), tonumber(ARGV[at + 2])
  local over = false
  if ARGV[at + 6] == '1' then
    local standing = standingOf(status, current, attempt)
    due = standing == 'waiting' and now or now + tonumber(ARGV[1])
    if status and standing ~= 'over' then
      marker.h = member
      writeMarker(KEYS[i], marker, 'KEEPTTL')
    end
  else
    over = status and (terminal[status] or current > attempt or (current == attempt and status ~= 'scheduled'))
  end
  if over then
    reply[#reply + 1] = 'over'
  elseif redis.call('ZADD', KEYS[1], 'NX', due, member) == 1 then
    redis.call('HSET', KEYS[2], member, ARGV[at + 4])
    counts[ARGV[at + 5]] = (counts[ARGV[at + 5]] or 0) + 1
    reply[#reply + 1] = 'indexed'
  else
    reply[#reply + 1] = 'known'
  end
end
for field, count in pairs(counts) do redis.call('HINCRBY', KEYS[3], field, count) end
return reply
