-- Ends attempts, fenced by lease id. Used by workers (own lease) and by reapers (their reaping token is a lease id too).
-- Guarantee: per attempt one accepted settlement; the same settlement again gives the same answer and changes nothing.
-- No marker at all, as after a loss of Redis, counts as ours. A marker restored from the log has no digest: what was settled
-- under this lease is the answer then, whatever is said now.
--
-- KEYS  1 leases · 2 running counts · 3 ended counts of now · 4 generation · then per item: marker, key entry (or the marker again)
-- ARGV  1 markerTtlMs · 2 resultTtlMs · 3 keyTtlMs · 4 endedTtlMs · then per item 10:
--       id, leaseId, digest, attempt, outcome, result, type|priority, key, channel, and as JSON what a success needs only when there is
--       no marker: [worker, startedAtMs, delayMs, error, '1' when a cancel that was asked for comes first, endedAtMs or '' for now]
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else per item, flat: verdict ('settled' | 'lease_lost' | 'conflict' | 'cancel_requested'), outcome, endedAtMs, dueAtMs or '',
--       startedAtMs, worker; with 'cancel_requested' nothing was written, and the last one is the reason
if not wasTold(KEYS[4]) then return {} end
local now = nowMs()
local nowText = text(now)
local running, ended, reply, gone = {}, {}, {}, {}
local texts = readTexts(5, 2)
local size = 0
local ofSuccess = { '', '', '0', '', '', '' }
-- A marker as `claim.lua` writes it first: its lease, what stays of it, when it began, and its worker.
local claimed = '^{"s":"running","d":"%d+","l":"([^"\\\n]*)",("b":"(%d+)","w":"([^"\\\n]*)","n":"%d+","tp":"[^"\n]*"[^\n]-),"e":%d+}\n'

local function say(verdict, outcome, at, due, started, worker)
  reply[size + 1] = verdict
  reply[size + 2] = outcome
  reply[size + 3] = at
  reply[size + 4] = due
  reply[size + 5] = started
  reply[size + 6] = worker
  size = size + 6
end

-- Writes an end, and what depends on it.
local function write(i, value, ttl, id, outcome, counted, channel)
  texts[KEYS[i]] = value
  redis.call('SET', KEYS[i], value, 'PX', text(ttl))
  gone[#gone + 1] = id
  if not terminal[outcome] then return end
  local field = counted .. '|' .. outcome
  ended[field] = (ended[field] or 0) + 1
  if KEYS[i + 1] ~= KEYS[i] and redis.call('HGET', KEYS[i + 1], 'id') == id then
    redis.call('HSET', KEYS[i + 1], 'st', outcome == 'completed' and 'succeeded' or 'unsuccessful')
  end
  redis.call('PUBLISH', channel, id)
end

local function lifeOf(result, idempotencyKey)
  local ttl = tonumber(ARGV[1])
  if result ~= '' then ttl = math.max(ttl, tonumber(ARGV[2])) end
  if idempotencyKey ~= '' then ttl = math.max(ttl, tonumber(ARGV[3])) end
  return ttl
end

for i = 5, #KEYS, 2 do
  local at = 4 + ((i - 5) / 2) * 10
  local id, lease, digest, attempt, outcome = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  local result, counted, idempotencyKey, channel = ARGV[at + 6], ARGV[at + 7], ARGV[at + 8], ARGV[at + 9]
  local holder, kept, began, holderName
  if outcome == 'completed' and texts[KEYS[i]] then
    holder, kept, began, holderName = string.match(texts[KEYS[i]], claimed)
  end
  if holder == lease then
    -- What nearly all are, as text: a table of it would cost as much as all else.
    local value = '{"s":"completed",' .. kept .. ',"sl":"' .. lease .. '","sd":"' .. digest .. '","so":"completed","sn":"' .. attempt
      .. '","t":"' .. nowText .. '"}\n' .. result
    write(i, value, lifeOf(result, idempotencyKey), id, outcome, counted, channel)
    running[counted] = (running[counted] or 0) - 1
    say('settled', outcome, nowText, '', began, holderName)
  else
    local marker = markerOf(texts[KEYS[i]]) or {}
    local exists = marker.s
    local more = (outcome == 'completed' and exists) and ofSuccess or cjson.decode(ARGV[at + 10])
    if exists and marker.l ~= lease then
      if marker.sl ~= lease then say('lease_lost', '', '', '', '', '')
      elseif marker.sd and marker.sd ~= digest then say('conflict', marker.so, '', '', '', '')
      else say('settled', marker.so, marker.t, marker.sa or '', marker.b or '', marker.w or '') end
    elseif marker.c and more[5] == '1' then
      say('cancel_requested', '', '', '', '', marker.cr or '')
    else
      local endedAt = more[6] == '' and nowText or more[6]
      local started, worker = marker.b or more[2], marker.w or more[1]
      local due, ttl = '', lifeOf(result, idempotencyKey)
      marker.s, marker.n = outcome, attempt
      if outcome == 'retrying' then
        -- as long as it waits it must be found, to be looked at or cancelled
        due = text(now + tonumber(more[3]))
        ttl = math.max(ttl, tonumber(ARGV[1]) + tonumber(more[3]))
        marker.s, marker.n = 'scheduled', text(attempt + 1)
      elseif outcome == 'lease_expired' then
        marker.s, marker.n = 'pending', text(attempt + 1)
      end
      marker.sl, marker.sd, marker.so, marker.sn, marker.t, marker.sa = lease, digest, outcome, attempt, endedAt, some(due)
      marker.b, marker.w, marker.tp, marker.k = started, worker, counted, some(idempotencyKey)
      if more[4] ~= '' then marker.er = more[4] end
      if result ~= '' then marker.r = result end
      marker.l, marker.d, marker.e, marker.rc, marker.ra, marker.h = nil, nil, nil, nil, nil, nil
      write(i, textOf(marker), ttl, id, outcome, counted, channel)
      if exists then running[counted] = (running[counted] or 0) - 1 end
      say('settled', outcome, endedAt, due, started, worker)
    end
  end
end

if #gone > 0 then redis.call('ZREM', KEYS[1], unpack(gone)) end
for field, count in pairs(running) do redis.call('HINCRBY', KEYS[2], field, count) end
local counted = false
for field, count in pairs(ended) do
  redis.call('HINCRBY', KEYS[3], field, count)
  counted = true
end
if counted then redis.call('PEXPIRE', KEYS[3], ARGV[4]) end
return reply
