// `errand reaper`: the housekeeper as a process of its own. Any number may run; two survive the loss of one.

import { Reaper } from '../../reaper/reaper.ts'
import { defineCommand } from '../command.ts'
import { openStorage } from '../open-storage.ts'
import { operationsPart } from '../service/operations-part.ts'
import { runService } from '../service/service.ts'
import type { ServiceContext, ServicePart } from '../service/service.ts'

/** The command. */
export const reaperCommand = defineCommand({
  name: 'reaper',
  summary: 'take expired leases back, make due activities ready, trim lanes, run bulk work',
  description: `Any number may run at once: what they do is fenced, so there is no leader. Run two. It also reports how deep the
lanes are and how old the oldest activity in them is, whether or not any worker runs.`,
  section: 'Roles',
  settings: ['servers', 'topics', 'retention', 'http', 'log'],
  goesOnUnheard: true,
  examples: ['errand reaper --namespace shop --brokers kafka:9092 --redis redis://redis:6379'],
  run: call =>
    runService(call, {
      name: 'errand-reaper',
      openStorage: logger => openStorage({ config: call.config, logger }, { provisions: true }),
      parts: context => Promise.resolve([reaperPart(context), operationsPart(context)]),
    }),
})

/** A reaper as a part of a service. */
export function reaperPart({ storage, logger }: ServiceContext): ServicePart {
  const reaper = new Reaper({ storage, logger })
  return { start: () => reaper.start(), stop: () => reaper.stop() }
}
