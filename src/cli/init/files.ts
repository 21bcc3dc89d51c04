// The files that `errand init` writes: the smallest project that enqueues and runs an activity on Kafka and Redis. A test
// writes them, installs Errand beside them, and runs them.

const PACKAGE = `{
  "name": "errand-example",
  "private": true,
  "type": "module",
  "engines": { "node": ">=22.18" },
  "scripts": {
    "up": "docker compose up -d --wait",
    "topics": "errand topics apply --types send-invoice",
    "worker": "errand worker --import ./worker.ts",
    "enqueue": "node producer.ts"
  },
  "dependencies": {
    "errand": "^VERSION",
    "zod": "^4.0.0"
  }
}
`

const SETTINGS = `{
  "namespace": "example",
  "kafka": { "brokers": ["127.0.0.1:9092"] },
  "redis": { "url": "redis://127.0.0.1:6379" }
}
`

const ACTIVITIES = `// What can be enqueued. No handler in it, so that producers load nothing that only workers need.

import { defineActivity } from 'errand'
import { z } from 'zod'

export const sendInvoice = defineActivity({
  type: 'send-invoice',
  input: z.object({ orderId: z.string(), email: z.email() }),
  output: z.object({ receiptId: z.string() }),
  maxAttempts: 5,
  timeoutMs: 30_000,
})
`

const WORKER = `// Run by: errand worker --import ./worker.ts

import type { Worker } from 'errand'
import { sendInvoice } from './activities.ts'

export function register(worker: Worker): void {
  worker.handle(sendInvoice, ({ orderId }, ctx) => {
    ctx.log.info('sending an invoice', { orderId })
    return { receiptId: \`receipt-\${orderId}\` } // whatever is thrown here is retried
  })
}
`

const PRODUCER = `// Run by: node producer.ts [orderId]

import { Client } from 'errand'
import { KafkaStorage } from 'errand/kafka'
import { sendInvoice } from './activities.ts'

const { ERRAND_NAMESPACE, ERRAND_KAFKA_BROKERS, ERRAND_REDIS_URL } = process.env
await using storage = await KafkaStorage.open({
  namespace: ERRAND_NAMESPACE ?? 'example',
  brokers: (ERRAND_KAFKA_BROKERS ?? '127.0.0.1:9092').split(','),
  redisUrl: ERRAND_REDIS_URL ?? 'redis://127.0.0.1:6379',
})
const client = new Client({ storage })

const orderId = process.argv[2] ?? '42'
const handle = await client.enqueue(sendInvoice, { orderId, email: 'ada@example.com' }, { key: \`invoice-\${orderId}\` })
console.log(\`\${handle.outcome} \${handle.id}\`)
console.log(await handle.result({ timeoutMs: 60_000 }))
`

const COMPOSE = `# One Kafka and one Redis for development: docker compose up -d --wait

services:
  kafka:
    image: apache/kafka:4.1.1
    ports: ['127.0.0.1:9092:9092']
    environment:
      KAFKA_HEAP_OPTS: -Xmx512m
      KAFKA_PROCESS_ROLES: broker,controller
      KAFKA_NODE_ID: 1
      KAFKA_CONTROLLER_QUORUM_VOTERS: 1@localhost:9093
      KAFKA_CONTROLLER_LISTENER_NAMES: CONTROLLER
      KAFKA_LISTENERS: HOST://:9092,CONTROLLER://localhost:9093
      KAFKA_ADVERTISED_LISTENERS: HOST://127.0.0.1:9092
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: HOST:PLAINTEXT,CONTROLLER:PLAINTEXT
      KAFKA_INTER_BROKER_LISTENER_NAME: HOST
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false'
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: 0
    healthcheck:
      test: [CMD, /opt/kafka/bin/kafka-broker-api-versions.sh, --bootstrap-server, localhost:9092]
      interval: 10s
      timeout: 10s
      retries: 9
  redis:
    image: redis:7.4.2-alpine
    command: [redis-server, --appendonly, 'yes', --maxmemory-policy, noeviction]
    ports: ['127.0.0.1:6379:6379']
    healthcheck:
      test: [CMD, redis-cli, ping]
      interval: 2s
      timeout: 3s
      retries: 15
`

/** The files by name, for this version of Errand. */
export function initFiles(version: string): ReadonlyMap<string, string> {
  return new Map([
    ['package.json', PACKAGE.replace('VERSION', version)],
    ['errand.json', SETTINGS],
    ['activities.ts', ACTIVITIES],
    ['worker.ts', WORKER],
    ['producer.ts', PRODUCER],
    ['docker-compose.yml', COMPOSE],
  ])
}
