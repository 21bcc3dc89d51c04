-- Takes expired leases over for reaping: the reaper's token becomes the lease, for a short time, so that the late
-- worker's settlement is refused from here on and another reaper continues should this one die.
-- When that is, and whether cancel was asked for, is looked at once, by the first reaper, and written down: what one has
-- published, another that continues must decide again.
--
-- KEYS  1 leases · 2 generation · then per item: marker
-- ARGV  1 token · 2 reapMs · then ids
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else per item, flat: 'reaping' | 'live' | 'gone', then attempt, envelope, worker, startedAtMs, '1' when cancel was asked for, cancel
--       reason, reapedAtMs
if not wasTold(KEYS[2]) then return {} end
local now = nowMs()
local reply = {}
local function say(...)
  for _, value in ipairs({ ... }) do reply[#reply + 1] = value end
end
for i = 3, #KEYS do
  local id = ARGV[i]
  local marker = readMarker(KEYS[i]) or {}
  local status = marker.s
  if status ~= 'running' and status ~= 'reaping' then
    redis.call('ZREM', KEYS[1], id)
    say('gone', '', '', '', '', '', '', '')
  elseif tonumber(marker.d) > now then
    say('live', '', '', '', '', '', '', '')
  else
    local envelope = marker.e or ''
    marker.rc = status == 'reaping' and marker.rc or (marker.c and '1' or '')
    marker.ra = status == 'reaping' and marker.ra or text(now)
    marker.s, marker.l, marker.d = 'reaping', ARGV[1], text(now + tonumber(ARGV[2]))
    writeMarker(KEYS[i], marker)
    redis.call('ZADD', KEYS[1], marker.d, id)
    say('reaping', marker.n, envelope, marker.w or '', marker.b or '', marker.rc, marker.cr or '', marker.ra)
  end
end
return reply
