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
local now = nowMs()
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
  local marker = readMarker(key) or {}
  local before = marker.s
  if expiresAt > now and (not before or (not terminal[before] and tonumber(marker.n) <= attempt)) then
    if before then
      for _, name in ipairs({ 'l', 'd', 'e', 'c', 'cr', 'rc', 'ra', 'sd', 'sl', 'u', 'h', 'tr' }) do marker[name] = nil end
      redis.call('ZREM', KEYS[1], id)
      if before == 'running' or before == 'reaping' then redis.call('HINCRBY', KEYS[2], ARGV[at + 11], -1) end
    end
    -- A result that was stored apart from a settlement is not in the log, and stays.
    local isStored = not before and marker.r
    -- What it was redriven as, or a result stored apart, may be remembered for longer.
    local isKept = (marker.rd or isStored) and redis.call('PTTL', key) > expiresAt - now
    marker.s, marker.n, marker.so, marker.sn, marker.t = status, ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], ARGV[at + 7]
    marker.tp, marker.k = ARGV[at + 11], some(ARGV[at + 14]) or marker.k
    if ARGV[at + 2] ~= '' then marker.sl = ARGV[at + 2] end
    if ARGV[at + 12] ~= '' then marker.er = ARGV[at + 12] end
    if cancelled == 'waited' or cancelled == 'scheduled' then
      marker.b, marker.sa = nil, nil
      if cancelled == 'waited' then marker.u = '1' end
    else
      marker.sa, marker.b, marker.w = some(ARGV[at + 8]), some(ARGV[at + 9]), some(ARGV[at + 10])
      if cancelled == 'ran' then marker.c, marker.cr = '1', ARGV[at + 19] end
    end
    if ARGV[at + 13] ~= '' and not isStored then
      marker.r = ARGV[at + 13]
      results = results + 1
    end
    if isKept then writeMarker(key, marker, 'KEEPTTL') else writeMarker(key, marker, 'PXAT', text(expiresAt)) end
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
