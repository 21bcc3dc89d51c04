// Which groups a user may not even see. kafkajs asks one broker after the other for a group's coordinator and drops what they
// answer, so that a missing right looks like a cluster that is away, and is tried again for as long. This asks one of them.

import type { ErrandError } from '../core/errors.ts'
import { fromKafka, kafkaErrorType } from '../producer/kafka-client.ts'
import type { KafkaSettings } from '../producer/kafka-client.ts'
import { openRawCluster } from './raw-cluster.ts'

const GROUP_COORDINATOR = 0

interface CoordinatorSource {
  findGroupCoordinator(params: { readonly groupId: string; readonly coordinatorType: number }): Promise<unknown>
}

/** The groups that the user may not describe, each with what the broker says. Rejects with `unavailable` when none answers. */
export async function deniedGroups(
  settings: KafkaSettings,
  groupIds: readonly string[],
): Promise<Map<string, ErrandError>> {
  const raw = await openRawCluster(settings, 'errand-doctor')
  try {
    const denied = new Map<string, ErrandError>()
    await raw.cluster.refreshMetadata() // connecting alone names no broker
    const broker = await raw.cluster.findControllerBroker()
    for (const groupId of groupIds) {
      try {
        await (broker as unknown as CoordinatorSource).findGroupCoordinator({
          groupId,
          coordinatorType: GROUP_COORDINATOR,
        })
      } catch (error) {
        // What else goes wrong comes up again when the group is asked for.
        if (kafkaErrorType(error) === 'GROUP_AUTHORIZATION_FAILED') {
          denied.set(groupId, fromKafka(error, `asking for group ${groupId}`))
        }
      }
    }
    return denied
  } finally {
    await raw.close().finally(() => raw.destroy())
  }
}
