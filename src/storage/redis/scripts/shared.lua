-- What several scripts need; it stands before each of them.

-- Whether this run of Redis was told what the logs know (`generation.lua`).
local function serverRun() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or 'unknown' end
local function wasTold(generationKey) return redis.call('GET', generationKey) == serverRun() end

-- The ids that an idempotency key stood for before: told apart by line ends, which no id holds.
local earlierIds = 32
local function isAmong(id, earlier) return string.find('\n' .. earlier, '\n' .. id .. '\n', 1, true) ~= nil end
-- Newest first; one that comes again is not named twice.
local function earlierWith(id, earlier)
  if isAmong(id, earlier) then return earlier end
  local ids = { id }
  for each in string.gmatch(earlier, '[^\n]+') do
    if #ids < earlierIds then ids[#ids + 1] = each end
  end
  return table.concat(ids, '\n') .. '\n'
end
