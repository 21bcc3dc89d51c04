// The same scenario on Kafka and Redis: on real ones, found by the stack.

import { beforeAll } from 'vitest'
import { driverScenario } from '../support/driver-scenario.ts'
import { dropTopics } from '../support/drop-topics.ts'
import { kafkaBrokers, redisUrl } from '../support/stack.ts'

beforeAll(() => {
  kafkaBrokers()
  redisUrl()
})

driverScenario('kafka', dropTopics)
