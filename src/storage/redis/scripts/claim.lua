-- Claims attempts: one lease each, or says why not.
-- Guarantee: at most one live lease per activity; an expired lease is never taken over here (only the reaper does).
-- Repeating the call with the same lease ids gives the same answers.
--
-- KEYS  1 leases · 2 running counts · 3 unseen counts · 4 generation · then per item: marker
-- ARGV  1 leaseMs · 2 worker · 3 markerTtlMs · then per item: id, attempt, leaseId, envelope, type|priority, key
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else per item, flat: verdict, then
--   'claimed'  deadlineMs, startedAtMs
--   'held'     '', ''
--   'done'     status, attempt of the marker
if not wasTold(KEYS[4]) then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local leaseMs = tonumber(ARGV[1])
local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }
local running, unseen, reply, leases = {}, {}, {}, {}

local function say(a, b, c)
  reply[#reply + 1] = a
  reply[#reply + 1] = b
  reply[#reply + 1] = c
end

for i = 5, #KEYS do
  local at = 3 + (i - 5) * 6
  local id, attempt, lease = ARGV[at + 1], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local marker = redis.call('HMGET', KEYS[i], 's', 'n', 'l', 'd', 'b', 'u')
  local status, current = marker[1], tonumber(marker[2] or '0')
  if (status == 'running' or status == 'reaping') and current <= attempt then
    if status == 'running' and marker[3] == lease then
      say('claimed', marker[4], marker[5])
    else
      say('held', '', '')
    end
  elseif status and (terminal[status] or current > attempt) then
    if terminal[status] and redis.call('PTTL', KEYS[i]) == -1 then
      -- cancelled before it was seen: from here on the marker may go like any other
      redis.call('PEXPIRE', KEYS[i], ARGV[3])
      unseen[ARGV[at + 5]] = (unseen[ARGV[at + 5]] or 0) - 1
    elseif marker[6] then
      -- restored from the log, and seen before a rebuild came to its lane record
      redis.call('HDEL', KEYS[i], 'u')
    end
    say('done', status, marker[2])
  else
    local deadline = now + leaseMs
    redis.call('HSET', KEYS[i], 's', 'running', 'n', attempt, 'l', lease, 'w', ARGV[2], 'd', deadline, 'b', now,
      'e', ARGV[at + 4], 'tp', ARGV[at + 5], 'k', ARGV[at + 6])
    redis.call('PERSIST', KEYS[i])
    leases[#leases + 1] = deadline
    leases[#leases + 1] = id
    running[ARGV[at + 5]] = (running[ARGV[at + 5]] or 0) + 1
    say('claimed', string.format('%.0f', deadline), string.format('%.0f', now))
  end
end

if #leases > 0 then redis.call('ZADD', KEYS[1], unpack(leases)) end
for field, count in pairs(running) do redis.call('HINCRBY', KEYS[2], field, count) end
for field, count in pairs(unseen) do redis.call('HINCRBY', KEYS[3], field, count) end
return reply
