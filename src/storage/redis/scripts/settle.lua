-- Ends attempts, fenced by lease id. Used by workers (own lease) and by reapers (their reaping token is a lease id too).
-- Guarantee: per attempt one accepted settlement; the same settlement again gives the same answer and changes nothing.
-- No marker at all, as after a loss of Redis, counts as ours. A marker restored from the log has no digest: what was settled
-- under this lease is the answer then, whatever is said now.
--
-- KEYS  1 leases · 2 running counts · 3 ended counts of now · 4 generation · then per item: marker, key entry (or the marker again)
-- ARGV  1 markerTtlMs · 2 resultTtlMs · 3 keyTtlMs · 4 endedTtlMs · then per item 15:
--       id, leaseId, digest, attempt, outcome, delayMs, error, result, '1' when a cancel that was asked for comes first,
--       type|priority, worker, startedAtMs, key, channel, endedAtMs or '' for now
-- Reply: nothing at all when this run of Redis was not told yet what has ended (`generation.lua`); else per item, flat: verdict ('settled' | 'lease_lost' | 'conflict' | 'cancel_requested'), outcome, endedAtMs, dueAtMs or '',
--       startedAtMs, worker; with 'cancel_requested' nothing was written, and the last one is the reason
if not wasTold(KEYS[4]) then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local running, ended, reply, gone = {}, {}, {}, {}
local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }

local function text(number) return string.format('%.0f', number) end
local function say(verdict, outcome, at, due, started, worker)
  for _, value in ipairs({ verdict, outcome, at, due, started, worker }) do reply[#reply + 1] = value end
end

for i = 5, #KEYS, 2 do
  local at = 4 + ((i - 5) / 2) * 15
  local id, lease, digest = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local marker = redis.call('HMGET', KEYS[i], 'l', 'sl', 'sd', 'so', 't', 'sa', 'b', 'w', 'c', 's', 'cr')
  local exists = marker[10]
  if exists and marker[1] ~= lease then
    if marker[2] ~= lease then say('lease_lost', '', '', '', '', '')
    elseif marker[3] and marker[3] ~= digest then say('conflict', marker[4], '', '', '', '')
    else say('settled', marker[4], marker[5], marker[6] or '', marker[7] or '', marker[8] or '') end
  elseif marker[9] and ARGV[at + 9] == '1' then
    say('cancel_requested', '', '', '', '', marker[11] or '')
  else
    local attempt, outcome, result = tonumber(ARGV[at + 4]), ARGV[at + 5], ARGV[at + 8]
    local endedAt = ARGV[at + 15] == '' and text(now) or ARGV[at + 15]
    local started, worker = marker[7] or ARGV[at + 12], marker[8] or ARGV[at + 11]
    local due = ''
    if outcome == 'retrying' then due = text(now + tonumber(ARGV[at + 6])) end
    local status, nextAttempt, ttl = outcome, attempt, tonumber(ARGV[1])
    if outcome == 'retrying' then
      -- as long as it waits it must be found, to be looked at or cancelled
      status, nextAttempt, ttl = 'scheduled', attempt + 1, ttl + tonumber(ARGV[at + 6])
    elseif outcome == 'lease_expired' then status, nextAttempt = 'pending', attempt + 1 end
    local fields = { 's', status, 'n', nextAttempt, 'sl', lease, 'sd', digest, 'so', outcome, 'sn', attempt, 't', endedAt,
      'sa', due, 'b', started, 'w', worker, 'tp', ARGV[at + 10], 'k', ARGV[at + 13] }
    if ARGV[at + 7] ~= '' then fields[#fields + 1] = 'er' fields[#fields + 1] = ARGV[at + 7] end
    if result ~= '' then
      fields[#fields + 1] = 'r'
      fields[#fields + 1] = result
      ttl = math.max(ttl, tonumber(ARGV[2]))
    end
    redis.call('HSET', KEYS[i], unpack(fields))
    redis.call('HDEL', KEYS[i], 'l', 'd', 'e', 'rc', 'ra')
    if ARGV[at + 13] ~= '' then ttl = math.max(ttl, tonumber(ARGV[3])) end
    redis.call('PEXPIRE', KEYS[i], ttl)
    gone[#gone + 1] = id
    if exists then running[ARGV[at + 10]] = (running[ARGV[at + 10]] or 0) - 1 end
    if terminal[outcome] then
      local field = ARGV[at + 10] .. '|' .. outcome
      ended[field] = (ended[field] or 0) + 1
      if KEYS[i + 1] ~= KEYS[i] and redis.call('HGET', KEYS[i + 1], 'id') == id then
        redis.call('HSET', KEYS[i + 1], 'st', outcome == 'completed' and 'succeeded' or 'unsuccessful')
      end
      redis.call('PUBLISH', ARGV[at + 14], id)
    end
    say('settled', outcome, endedAt, due, started, worker)
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
