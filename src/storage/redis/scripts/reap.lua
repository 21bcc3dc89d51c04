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
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local reply = {}
local function say(...)
  for _, value in ipairs({ ... }) do reply[#reply + 1] = value end
end
for i = 3, #KEYS do
  local id = ARGV[i]
  local marker = redis.call('HMGET', KEYS[i], 's', 'd', 'n', 'e', 'w', 'b', 'c', 'cr', 'rc', 'ra')
  local status = marker[1]
  if status ~= 'running' and status ~= 'reaping' then
    redis.call('ZREM', KEYS[1], id)
    say('gone', '', '', '', '', '', '', '')
  elseif tonumber(marker[2]) > now then
    say('live', '', '', '', '', '', '', '')
  else
    local deadline = now + tonumber(ARGV[2])
    local cancel = status == 'reaping' and marker[9] or (marker[7] and '1' or '')
    local reaped = status == 'reaping' and marker[10] or string.format('%.0f', now)
    redis.call('HSET', KEYS[i], 's', 'reaping', 'l', ARGV[1], 'd', deadline, 'rc', cancel, 'ra', reaped)
    redis.call('ZADD', KEYS[1], deadline, id)
    say('reaping', marker[3], marker[4] or '', marker[5] or '', marker[6] or '', cancel, marker[8] or '', reaped)
  end
end
return reply
