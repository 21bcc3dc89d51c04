// The contract of every storage as named cases, for any runner: take a case, make its setup, call `run`, and a rejection
// is a failure. The rules are those of the storage contract and the sentences of `storage/storage.ts`.

import { attemptsCases } from './contract/attempts-cases.ts'
import { cancelCases } from './contract/cancel-cases.ts'
import type { ContractCase } from './contract/case.ts'
import { discardCases } from './contract/discard-cases.ts'
import { fencingCases } from './contract/fencing-cases.ts'
import { figuresCases } from './contract/figures-cases.ts'
import { idempotencyCases } from './contract/idempotency-cases.ts'
import { inspectionCases } from './contract/inspection-cases.ts'
import { leasesCases } from './contract/leases-cases.ts'
import { limitsCases } from './contract/limits-cases.ts'
import { operationsCases } from './contract/operations-cases.ts'
import { orderCases } from './contract/order-cases.ts'
import { redriveCases } from './contract/redrive-cases.ts'
import { resultsCases } from './contract/results-cases.ts'
import { scheduleCases } from './contract/schedule-cases.ts'
import { traceCases } from './contract/trace-cases.ts'
import { waitingCases } from './contract/waiting-cases.ts'

export type { CaseSpec, ContractCase, ContractSetup } from './contract/case.ts'

/** The cases by area. Cases of an area may share a namespace, unless they say `isAlone`. */
export const storageContractAreas: Readonly<Record<string, readonly ContractCase[]>> = {
  attempts: attemptsCases,
  fencing: fencingCases,
  leases: leasesCases,
  order: orderCases,
  schedule: scheduleCases,
  idempotency: idempotencyCases,
  results: resultsCases,
  cancel: cancelCases,
  redrive: redriveCases,
  discard: discardCases,
  trace: traceCases,
  operations: operationsCases,
  limits: limitsCases,
  waiting: waitingCases,
  inspection: inspectionCases,
  figures: figuresCases,
}

/** Every case of the contract. */
export const storageContract: readonly ContractCase[] = Object.values(storageContractAreas).flat()
