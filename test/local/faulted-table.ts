import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { Caller } from './data-api-caller.ts'

/** A local Aurora of a test file, with a table `t`; each test begins without faults and recorded calls. */
export interface FaultedTable {
  readonly aurora: LocalAurora
  readonly database: string
  readonly caller: Caller
  insert(k: string, transactionId?: string): Promise<unknown>
  count(k: string): Promise<number | undefined>
}

export function useFaultedTable(): FaultedTable {
  let aurora: LocalAurora
  let database: string
  let caller: Caller
  beforeAll(async () => {
    aurora = await testAurora()
    database = await newDatabase(aurora)
    caller = new Caller(aurora, database)
    await caller.execute('create table t (k text)')
  })
  beforeEach(() => {
    aurora.faults.clear()
    aurora.calls.clear()
  })
  afterAll(() => aurora.stop())
  return {
    get aurora() {
      return aurora
    },
    get database() {
      return database
    },
    get caller() {
      return caller
    },
    insert: (k, transactionId) =>
      caller.execute(`insert into t values ('${k}')`, { transactionId }),
    count: async (k) => {
      const { longValue } = await caller.value(`select count(*) from t where k = '${k}'`)
      return longValue
    },
  }
}
