-- Writes what `settle.lua` or `cancel.lua` left of attempts that the log says have ended, where Redis knows of none, or of an
-- earlier state: after it was emptied, or came back with an older state. Whatever it knows beyond the log stays. In the order
-- of the log, so that what an earlier attempt left behind is there for the next. Doing it again changes nothing.
-- `u`: cancelled while its lane record waited, or after it was seen; who meets that record next says which (`claim.lua`,
-- `rekey.lua`).
--
-- KEYS  1 leases · 2 running counts · then per item: marker, ended counts of its time
-- ARGV  per item 19: id, lease id, status, next attempt, outcome, attempt, endedAtMs, dueAtMs, startedAtMs, worker, type|priority,
--       error, result, key, expiresAtMs, when its ended count expires ('' : not counted), channel,
--       'ran' | 'waited' (in a lane) | 'scheduled' when it was cancelled then, else '', the reason
-- Reply: how many markers were written, how many results
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local terminal = { completed = true, failed = true, dead_letter = true, cancelled = true }
local written, results, counts = 0, 0, {}

local function count(key, field, expiresAt)
  if not expiresAt or expiresAt <= now then return end
  counts[key] = counts[key] or { fields = {}, expiresAt = 0 }
  counts[key].fields[field] = (counts[key].fields[field] or 0) + 1
  counts[key].expiresAt = math.max(counts[key].expiresAt, expiresAt)
end

for i = 3, #KEYS, 2 do
  local at = ((i - 3) / 2) * 19
  local key, id, status, attempt = KEYS[i], ARGV[at + 1], ARGV[at + 3], tonumber(ARGV[at + 6])
  local expiresAt, cancelled = tonumber(ARGV[at + 15]), ARGV[at + 18]
  local marker = redis.call('HMGET', key, 's', 'n', 'k', 'rd')
  local before = marker[1]
  if expiresAt > now and (not before or (not terminal[before] and tonumber(marker[2]) <= attempt)) then
    local fields = { 's', status, 'n', ARGV[at + 4], 'so', ARGV[at + 5], 'sn', attempt, 't', ARGV[at + 7], 'tp', ARGV[at + 11],
      'k', ARGV[at + 14] ~= '' and ARGV[at + 14] or marker[3] or '' }
    local function add(...)
      for _, value in ipairs({ ... }) do fields[#fields + 1] = value end
    end
    if before then
      redis.call('HDEL', key, 'l', 'd', 'e', 'c', 'cr', 'rc', 'ra', 'sd', 'sl', 'u')
      redis.call('ZREM', KEYS[1], id)
      if before == 'running' or before == 'reaping' then redis.call('HINCRBY', KEYS[2], ARGV[at + 11], -1) end
    end
    if ARGV[at + 2] ~= '' then add('sl', ARGV[at + 2]) end
    if ARGV[at + 12] ~= '' then add('er', ARGV[at + 12]) end
    if cancelled == 'waited' or cancelled == 'scheduled' then
      if before then redis.call('HDEL', key, 'b', 'sa') end
      if cancelled == 'waited' then add('u', '1') end
    else
      add('sa', ARGV[at + 8], 'b', ARGV[at + 9], 'w', ARGV[at + 10])
      if cancelled == 'ran' then add('c', '1', 'cr', ARGV[at + 19]) end
    end
    -- A result that was stored apart from a settlement is not in the log, and stays.
    local isStored = not before and redis.call('HEXISTS', key, 'r') == 1
    if ARGV[at + 13] ~= '' and not isStored then
      add('r', ARGV[at + 13])
      results = results + 1
    end
    -- What it was redriven as, or a result stored apart, may be remembered for longer.
    local isKept = (marker[4] or isStored) and redis.call('PTTL', key) > expiresAt - now
    redis.call('HSET', key, unpack(fields))
    if not isKept then redis.call('PEXPIREAT', key, expiresAt) end
    if terminal[status] then
      count(KEYS[i + 1], ARGV[at + 11] .. '|' .. status, tonumber(ARGV[at + 16]))
      redis.call('PUBLISH', ARGV[at + 17], id)
    end
    written = written + 1
  end
end
for key, counted in pairs(counts) do
  for field, ended in pairs(counted.fields) do redis.call('HINCRBY', key, field, ended) end
  if redis.call('PTTL', key) < counted.expiresAt - now then redis.call('PEXPIREAT', key, counted.expiresAt) end
end
return { written, results }
