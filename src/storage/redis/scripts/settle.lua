-- Ends attempts, fenced by lease id. Used by workers (own lease) and by reapers (their reaping token is a lease id too).
-- Guarantee: per attempt one accepted settlement; the same settlement again gives the same answer and changes nothing.
-- No marker at all, as after a loss of Redis, counts as ours. A marker restored from the log has no digest: what was settled
-- under this lease is the answer then, whatever is said now.
--
-- KEYS  1 leases · 2 running counts · 3 ended counts of now · 4 generation · then per item: marker · then per item that has a key: its entry
-- ARGV  1 markerTtlMs · 2 resultTtlMs · 3 keyTtlMs · 4 endedTtlMs · 5 the items as JSON, each a list of texts: id, leaseId, digest, attempt,
--       outcome, result, type|priority, key, channel, worker, startedAtMs, delayMs, error, '1' when a cancel that was asked for comes first,
--       endedAtMs or '' for now, traceparent
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else as JSON, per item, flat: verdict ('settled' | 'lease_lost' | 'conflict' | 'cancel_requested'), outcome, endedAtMs, dueAtMs or '',
--       startedAtMs, worker; with 'cancel_requested' nothing was written, and the last one is the reason
if not wasTold(KEYS[4]) then return {} end
local now = nowMs()
local nowText = text(now)
local running, ended, reply, gone = {}, {}, {}, {}
local items = cjson.decode(ARGV[5])
local texts = readTexts(5, 4 + #items)
local entry = 4 + #items
local size = 0
-- A marker as `claim.lua` writes it first, and nothing else has touched since: renewed, retried or with a `\\` in its worker's id it
-- goes the long way. A success neither yields to a cancel nor brings its own time. Its lease, what stays of it, when it began, and its worker.
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
local function write(marker, value, ttl, item, entryKey)
  local id, outcome, counted = item[1], item[5], item[7]
  texts[marker] = value
  redis.call('SET', marker, value, 'PX', text(ttl))
  gone[#gone + 1] = id
  if not terminal[outcome] then return end
  local field = counted .. '|' .. outcome
  ended[field] = (ended[field] or 0) + 1
  if entryKey and redis.call('HGET', entryKey, 'id') == id then
    redis.call('HSET', entryKey, 'st', outcome == 'completed' and 'succeeded' or 'unsuccessful')
  end
  redis.call('PUBLISH', item[9], id)
end

local function lifeOf(result, idempotencyKey)
  local ttl = tonumber(ARGV[1])
  if result ~= '' then ttl = math.max(ttl, tonumber(ARGV[2])) end
  if idempotencyKey ~= '' then ttl = math.max(ttl, tonumber(ARGV[3])) end
  return ttl
end

for nth, item in ipairs(items) do
  local key, entryKey = KEYS[4 + nth], nil
  local _, lease, digest, attempt, outcome, result, counted, idempotencyKey = unpack(item, 1, 8)
  if idempotencyKey ~= '' then
    entry = entry + 1
    entryKey = KEYS[entry]
  end
  local holder, kept, began, holderName
  if outcome == 'completed' and texts[key] then holder, kept, began, holderName = string.match(texts[key], claimed) end
  if holder == lease then
    -- What nearly all are, as text: a table of it would cost as much as all else.
    local value = '{"s":"completed",' .. kept .. ',"sl":"' .. lease .. '","sd":"' .. digest .. '","so":"completed","sn":"' .. attempt
      .. '","t":"' .. nowText .. '"}\n' .. result
    write(key, value, lifeOf(result, idempotencyKey), item, entryKey)
    running[counted] = (running[counted] or 0) - 1
    say('settled', outcome, nowText, '', began, holderName)
  else
    local marker = markerOf(texts[key]) or {}
    local exists = marker.s
    local worker, startedAt, delayMs, failure, yields, endedAt, traceparent = unpack(item, 10, 16)
    if exists and marker.l ~= lease then
      if marker.sl ~= lease then say('lease_lost', '', '', '', '', '')
      elseif marker.sd and marker.sd ~= digest then say('conflict', marker.so, '', '', '', '')
      else say('settled', marker.so, marker.t, marker.sa or '', marker.b or '', marker.w or '') end
    elseif marker.c and yields == '1' then
      say('cancel_requested', '', '', '', '', marker.cr or '')
    else
      endedAt = some(endedAt) or nowText
      startedAt, worker = marker.b or startedAt, marker.w or worker
      local due, ttl = '', lifeOf(result, idempotencyKey)
      marker.s, marker.n = outcome, attempt
      if outcome == 'retrying' then
        -- as long as it waits it must be found, to be looked at or cancelled
        due = text(now + tonumber(delayMs))
        ttl = math.max(ttl, tonumber(ARGV[1]) + tonumber(delayMs))
        marker.s, marker.n = 'scheduled', text(attempt + 1)
      elseif outcome == 'lease_expired' then
        marker.s, marker.n = 'pending', text(attempt + 1)
      end
      marker.sl, marker.sd, marker.so, marker.sn, marker.t, marker.sa = lease, digest, outcome, attempt, endedAt, some(due)
      marker.b, marker.w, marker.tp, marker.k, marker.tr = startedAt, worker, counted, some(idempotencyKey), some(traceparent)
      if failure ~= '' then marker.er = failure end
      if result ~= '' then marker.r = result end
      marker.l, marker.d, marker.e, marker.rc, marker.ra, marker.h = nil, nil, nil, nil, nil, nil
      write(key, textOf(marker), ttl, item, entryKey)
      if exists then running[counted] = (running[counted] or 0) - 1 end
      say('settled', outcome, endedAt, due, startedAt, worker)
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
return { cjson.encode(reply) }
