// `npm start -- --console`: after the run, a page to look at what became of the orders and to act. It is made before the run, for
// its charts count from then on. Workers go on, so that what is retried there is run.

import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buildConsoleUi } from '../../scripts/build-console-ui.ts'
import { repositoryDir } from '../../scripts/stack/places.ts'
import type { Console } from '../../src/console/index.ts'
import { createConsole } from '../../src/console/index.ts'
import { handleOperations, Worker } from '../../src/index.ts'
import type { Place } from './place.ts'
import { say } from './say.ts'

/** Makes the console, which counts from now on. Whoever makes it closes it, before the place. */
export async function makeConsole({ storage }: Place): Promise<Console> {
  const assetsFolder = join(repositoryDir, '.errand', 'console-ui')
  await buildConsoleUi(assetsFolder)
  return createConsole({ storage, assetsFolder, environment: { name: 'example' } })
}

/** Serves the console on loopback until the signal aborts. */
export async function showConsole(pages: Console, place: Place, signal: AbortSignal): Promise<void> {
  const { storage } = place
  await using bulkWork = new Worker({ storage })
  handleOperations(bulkWork, { storage })
  await bulkWork.start()
  const fleet = place.startFleet()
  const server = createServer((request, response) => pages.handler(request, response))
  try {
    await fleet.ready
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    say(`\nconsole: http://127.0.0.1:${port}/ (Ctrl-C ends it)`)
    if (!signal.aborted) await once(signal, 'abort')
  } finally {
    server.close()
    server.closeAllConnections()
    await fleet.stop()
  }
}
