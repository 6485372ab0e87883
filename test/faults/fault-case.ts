import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'pg'
import type { Call, LocalAurora } from '../../infra/local/local-aurora.ts'
import type { Report } from '../../lambda/run/report.ts'
import { type TestContext, testContext } from '../runner-fixture.ts'
import { FaultDatabase, type SeenRow } from './fault-database.ts'
import { type Fault, PATIENCE_MS } from './fault-list.ts'
import type { Scenario } from './scenarios.ts'
import { WatchedApi } from './watched-api.ts'

/** A scenario as it goes without faults. */
export interface CleanRun {
  readonly scenario: Scenario
  readonly template: FaultDatabase
  readonly calls: readonly Call[]
  /** What the database held after each call that committed something, and before the first. */
  readonly states: readonly string[]
  readonly history: readonly SeenRow[]
  readonly report: Report
}

/** Faulted runs with the run after them. */
export interface FaultedRun {
  /** What the first of them reports. */
  readonly first: Report
  readonly second: Report
  /** Empty: all invariants hold. */
  readonly violations: readonly string[]
}

interface Servers {
  readonly aurora: LocalAurora
  readonly admin: Client
}

/** Brings a template to where the scenario begins, and runs it once on a copy. */
export async function cleanRun({ aurora, admin }: Servers, scenario: Scenario): Promise<CleanRun> {
  const template = await FaultDatabase.open(aurora, admin)
  for (const sql of scenario.setup?.split(';') ?? []) {
    const { context, api } = watched(aurora, template, scenario, {})
    await context.api.execute({ sql })
    api.close()
  }
  for (const run of scenario.before) {
    const { context, api } = watched(aurora, template, scenario, {})
    await run(context)
    api.close()
  }
  await template.closeOthers()
  await using database = await FaultDatabase.open(aurora, admin, template.name)
  const states = [await database.state()]
  const afterCommit = async () => void states.push(await database.state())
  const { context, api } = watched(aurora, database, scenario, { afterCommit })
  const report = await scenario.run(context)
  api.close()
  const calls = [...aurora.calls.forDatabase(database.name)]
  return { scenario, template, calls, states, report, history: await database.history() }
}

/** A fault, and at which call of a run it comes. */
export interface FaultAt {
  readonly fault: Fault
  readonly nth: number
}

/**
 * Runs the scenario once for each of the faults, then again without any, and checks what must hold each time.
 * `undefined` when a fault found no call.
 */
export async function faultedRun(
  { aurora, admin }: Servers,
  clean: CleanRun,
  ...faults: readonly FaultAt[]
): Promise<FaultedRun | undefined> {
  const { scenario } = clean
  await using database = await FaultDatabase.open(aurora, admin, clean.template.name)
  const check = new Check(clean, database)
  const apis: WatchedApi[] = []
  let first: Report | undefined
  for (const { fault, nth } of faults) {
    const { kind, times = 1 } = fault
    const armed = aurora.faults.add({ database: database.name, nth, times, kind })
    const { context, api } = watched(aurora, database, scenario, { patienceMs: PATIENCE_MS })
    apis.push(api)
    const report = await scenario.run(context)
    first ??= report
    if (armed.fired === 0) break
    await check.afterFault(report, context, api)
    aurora.faults.clear(database.name)
    await database.endLeases()
  }
  aurora.faults.clear(database.name)
  const last = watched(aurora, database, scenario, {})
  const second = await scenario.run(last.context)
  await check.afterLast(second)
  check.callsOnce(aurora.calls.forDatabase(database.name))
  for (const api of [...apis, last.api]) api.close()
  return first && { first, second, violations: check.violations }
}

function watched(
  aurora: LocalAurora,
  database: FaultDatabase,
  scenario: Scenario,
  options: ConstructorParameters<typeof WatchedApi>[1],
): { context: TestContext; api: WatchedApi } {
  const context = testContext(aurora, database.name, scenario.revisions)
  const { clusterArn, secretArn } = aurora
  const api = new WatchedApi({ clusterArn, secretArn, database: database.name }, options)
  return { api, context: { ...context, ...scenario.settings, api, pollMs: 100 } }
}

/** What must hold after every faulted run and after the run that follows it. */
class Check {
  readonly violations: string[] = []
  readonly #clean: CleanRun
  readonly #database: FaultDatabase

  constructor(clean: CleanRun, database: FaultDatabase) {
    this.#clean = clean
    this.#database = database
  }

  async afterFault(report: Report, { lines, run }: TestContext, api: WatchedApi): Promise<void> {
    const history = await this.#database.history()
    const mine = history.filter((row) => row.run === run.runId)
    const open = history.some(({ outcome }) => outcome === 'running' || outcome === 'interrupted')
    const state = await this.#database.state()
    this.#expect(
      this.#clean.states.some(
        (each) => withoutHalfIndex(each, open) === withoutHalfIndex(state, open),
      ),
      `the database holds what no clean run ever held: ${state.slice(0, 300)}`,
    )
    this.#reportIsTrue(report, mine, await this.#database.versions(), state)
    const unwritten = lines.some((line) => line.includes('could not be written to the history'))
    const recorded = mine.filter(({ outcome }) => outcome === 'failed' || outcome === 'interrupted')
    this.#expect(
      report.error?.kind !== 'MigrationError' || recorded.length === 1 || unwritten,
      `${recorded.length} history rows tell of the failure`,
    )
    const told = report.warnings.join() + (report.error?.message ?? '')
    this.#expect(!open || /committed|was interrupted/.test(told), 'an open step is not told')
    const first = withoutHalfIndex(this.#clean.states[0] ?? '', open)
    this.#expect(
      !told.includes('nothing of it is committed') ||
        report.steps.length > 0 ||
        withoutHalfIndex(state, open) === first,
      'something is committed although the report says that nothing is',
    )
    for (const line of strayCalls(api)) this.#expect(false, line)
  }

  async afterLast(report: Report): Promise<void> {
    const { scenario, history, states } = this.#clean
    const explained = `${report.status}: ${report.error?.message}`
    this.#expect(report.status === scenario.status, `the next run is ${explained}`)
    const state = await this.#database.state()
    this.#expect(
      state === states.at(-1),
      `the next run leaves something else: ${state.slice(0, 300)}`,
    )
    const applied = (rows: readonly SeenRow[]) =>
      rows
        .filter(({ outcome }) => outcome === 'done' || outcome === 'stamped')
        .map(({ revision, direction }) => `${direction} ${revision}`)
        .join()
    const found = applied(await this.#database.history())
    this.#expect(found === applied(history), `the history tells ${found}`)
    for (let waited = 0; (await this.#database.idleTransactions()) > 0; waited += 100) {
      if (waited > 8_000) return this.#expect(false, 'a transaction stays open')
      await sleep(100)
    }
  }

  /** The service knows no idempotency token: a call that the SDK repeats on its own may run twice. */
  callsOnce(calls: readonly Call[]): void {
    const ids = calls.map(({ invocationId }) => invocationId)
    this.#expect(new Set(ids).size === ids.length, 'the SDK has sent a call again')
  }

  #reportIsTrue(report: Report, mine: readonly SeenRow[], versions: string[], state: string): void {
    const { scenario, states } = this.#clean
    const done = mine.filter(({ outcome }) => outcome === 'done' || outcome === 'stamped')
    const told = report.steps.map(({ revision }) => revision).join()
    const explained = `${report.status} ${report.error?.message}`
    this.#expect(
      told === done.map(({ revision }) => revision).join(),
      `the report tells steps [${told}] and the history ${JSON.stringify(done)} (${explained})`,
    )
    this.#expect(['succeeded', 'failed'].includes(report.status), explained)
    const arrived = state === states.at(-1)
    if (scenario.status === 'succeeded') {
      this.#expect(
        arrived === (report.status === 'succeeded') || report.from.join() === report.to.join(),
        `arrived: ${arrived}, but ${explained}`,
      )
    }
    if (report.error?.kind !== 'CannotReadState') {
      this.#expect(report.to.join() === versions.join(), `told [${report.to}], is [${versions}]`)
    }
  }

  #expect(holds: boolean, violation: string): void {
    if (!holds) this.violations.push(violation)
  }
}

/** Calls on a transaction after one that failed on it; only its end may follow. */
function strayCalls({ calls }: WatchedApi): string[] {
  const broken = new Set<string>()
  const stray: string[] = []
  for (const { what, transactionId: id, outcome } of calls) {
    if (id === undefined) continue
    if (broken.has(id) && !/^rollback\b/.test(what)) stray.push(`after a failed call came ${what}`)
    if (outcome === 'refused' || outcome === 'unknown') broken.add(id)
  }
  return stray
}

/** A concurrent index that was cut off is left invalid, until the open step is finished. */
export function withoutHalfIndex(state: string, open: boolean): string {
  return open ? state.replace(/,?\s*"CREATE INDEX players_team [^\n]*"/, '') : state
}
