-- Claims attempts: one lease each, or says why not.
-- Guarantee: at most one live lease per activity; an expired lease is never taken over here (only the reaper does).
-- Repeating the call with the same lease ids gives the same answers.
--
-- KEYS  1 leases · 2 running counts · 3 unseen counts · 4 generation · then per item: marker
-- ARGV  1 leaseMs · 2 worker · 3 markerTtlMs · 4 the items as JSON, each [id, attempt, leaseId, type|priority, key], all texts: as so many
--       arguments they would cost the caller as much as all else · then per item: envelope
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else as JSON, per item, flat: verdict, then
--   'claimed'  deadlineMs, startedAtMs
--   'held'     '', ''
--   'done'     status, attempt of the marker
if not wasTold(KEYS[4]) then return {} end
local now = nowMs()
local nowText, deadline = text(now), text(now + tonumber(ARGV[1]))
local running, unseen, reply, leases = {}, {}, {}, {}
local texts, firsts = readTexts(5, #KEYS), {}
local size = 0
-- What all markers that are made here have.
local head, begun = '{"s":"running","d":"' .. deadline .. '","l":', ',"b":"' .. nowText .. '","w":' .. cjson.encode(ARGV[2])

local function say(a, b, c)
  reply[size + 1] = a
  reply[size + 2] = b
  reply[size + 3] = c
  size = size + 3
end

-- As text, since most attempts have no marker yet, and a table for each would cost as much as all else. In an order that
-- `settle.lua` knows.
local function firstText(attempt, lease, envelope, counted, idempotencyKey)
  return head .. cjson.encode(lease) .. begun .. ',"n":"' .. attempt .. '","tp":' .. cjson.encode(counted)
    .. (idempotencyKey == '' and '' or ',"k":' .. cjson.encode(idempotencyKey)) .. ',"e":' .. #envelope .. '}\n' .. envelope
end

for at, item in ipairs(cjson.decode(ARGV[4])) do
  local i = 4 + at
  local id, attemptText, lease, counted, idempotencyKey = unpack(item)
  local attempt = tonumber(attemptText)
  local marker = markerOf(texts[KEYS[i]])
  local status, current = marker and marker.s, tonumber(marker and marker.n or '0')
  if (status == 'running' or status == 'reaping') and current <= attempt then
    if status == 'running' and marker.l == lease then
      say('claimed', marker.d, marker.b)
    else
      say('held', '', '')
    end
  elseif status and (terminal[status] or current > attempt) then
    if terminal[status] and redis.call('PTTL', KEYS[i]) == -1 then
      -- cancelled before it was seen: from here on the marker may go like any other
      redis.call('PEXPIRE', KEYS[i], ARGV[3])
      unseen[counted] = (unseen[counted] or 0) - 1
    elseif marker.u then
      -- restored from the log, and seen before a rebuild came to its lane record
      marker.u = nil
      texts[KEYS[i]] = textOf(marker)
      redis.call('SET', KEYS[i], texts[KEYS[i]], 'KEEPTTL')
    end
    say('done', status, marker.n)
  else
    if marker then
      marker.s, marker.n, marker.l, marker.w, marker.d, marker.b = 'running', attemptText, lease, ARGV[2], deadline, nowText
      marker.e, marker.tp, marker.k = ARGV[i], counted, some(idempotencyKey)
      texts[KEYS[i]] = textOf(marker)
      redis.call('SET', KEYS[i], texts[KEYS[i]])
    else
      texts[KEYS[i]] = firstText(attemptText, lease, ARGV[i], counted, idempotencyKey)
      firsts[#firsts + 1] = KEYS[i]
      firsts[#firsts + 1] = texts[KEYS[i]]
    end
    leases[#leases + 1] = deadline
    leases[#leases + 1] = id
    running[counted] = (running[counted] or 0) + 1
    say('claimed', deadline, nowText)
  end
end

if #firsts > 0 then redis.call('MSET', unpack(firsts)) end
if #leases > 0 then redis.call('ZADD', KEYS[1], unpack(leases)) end
for field, count in pairs(running) do redis.call('HINCRBY', KEYS[2], field, count) end
for field, count in pairs(unseen) do redis.call('HINCRBY', KEYS[3], field, count) end
return { cjson.encode(reply) }
