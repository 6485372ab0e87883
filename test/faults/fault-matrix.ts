import type { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { testAurora } from '../local-aurora.ts'
import { type CleanRun, cleanRun, type FaultAt, faultedRun } from './fault-case.ts'
import { superuser } from './fault-database.ts'
import { FAULTS, hits } from './fault-list.ts'
import type { Scenario } from './scenarios.ts'

let aurora: LocalAurora
let admin: Client

/** Cases at once; most of their time is waiting. */
const WORKERS = 28

interface Tally {
  cases: number
  succeeded: number
  failed: number
  violations: number
}
const tallies = new Map<string, Tally>()
const started = Date.now()

function casesOf({ calls }: CleanRun): FaultAt[] {
  return FAULTS.flatMap((fault) =>
    calls.flatMap((call, i) => (hits(fault, call) ? [{ fault, nth: i + 1 }] : [])),
  )
}

/** Lets every call of the scenarios fail in every way, one test each; the files that call this run beside each other. */
export function faultMatrix(scenarios: readonly Scenario[]): void {
  beforeAll(async () => {
    aurora = await testAurora({ limits: { transactionIdleMs: 3_000 } })
    admin = await superuser(aurora, 'postgres')
  })
  afterAll(async () => {
    await admin.end()
    await aurora.stop()
    console.log(summary())
  })

  test.each(scenarios)('$name', async (scenario) => {
    await noViolation(scenario, (clean) => casesOf(clean).map((each) => [each]))
  })

  // The run that takes over what a faulted one has left is faulted, too.
  test.each(scenarios.filter(({ name }) => name.includes('autocommit')))(
    '$name, two runs in a row',
    async (scenario) => {
      await noViolation(scenario, (clean) => pairsOf(casesOf(clean)))
    },
  )

  test('is 1,500 cases at least', () => {
    expect(total()).toBeGreaterThanOrEqual(1_500)
  })
}

/** How many of all pairs are tried. */
const PAIRS = Number(process.env.FAULT_PAIRS ?? 60)

/** Pairs from all over the cases; another `FAULT_SEED` makes others. */
function pairsOf(cases: readonly FaultAt[]): FaultAt[][] {
  let seed = Number(process.env.FAULT_SEED ?? 1)
  const any = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return cases[seed % cases.length]
  }
  return Array.from({ length: PAIRS }, () => [any(), any()].filter((each) => each !== undefined))
}

/** Runs the scenario with each of these lists of faults, and expects that all invariants hold. */
async function noViolation(
  scenario: Scenario,
  listsOf: (clean: CleanRun) => readonly (readonly FaultAt[])[],
): Promise<void> {
  const clean = await cleanRun({ aurora, admin }, scenario)
  expect(clean.report.status).toBe(scenario.status)
  const violations: string[] = []
  await inParallel(listsOf(clean), async (faults) => {
    const run = await faultedRun({ aurora, admin }, clean, ...faults)
    if (run === undefined) return
    const where = faults.map(({ fault, nth }) => {
      const { operation, sql } = clean.calls[nth - 1] ?? {}
      return `${fault.name} at call ${nth} (${(sql ?? operation)?.slice(0, 60)})`
    })
    violations.push(...run.violations.map((violation) => `${where.join(', then ')}: ${violation}`))
    count(scenario.name, run.first.status, run.violations.length)
    count(`  ${faults[0]?.fault.name}`, run.first.status, run.violations.length)
  })
  await clean.template[Symbol.asyncDispose]()
  expect(violations).toEqual([])
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: WORKERS }, worker))
}

function count(name: string, status: string, violations: number): void {
  const tally = tallies.get(name) ?? { cases: 0, succeeded: 0, failed: 0, violations: 0 }
  tallies.set(name, tally)
  tally.cases += 1
  if (status === 'succeeded') tally.succeeded += 1
  else tally.failed += 1
  tally.violations += violations
}

function total(): number {
  let cases = 0
  for (const [name, tally] of tallies) if (!name.startsWith(' ')) cases += tally.cases
  return cases
}

function summary(): string {
  const line = (name: string, ...numbers: readonly (number | string)[]) =>
    name.padEnd(48) + numbers.map((number) => String(number).padStart(11)).join('')
  const lines = [...tallies]
    .sort(([a], [b]) => Number(a.startsWith(' ')) - Number(b.startsWith(' ')))
    .map(([name, each]) => line(name, each.cases, each.succeeded, each.failed, each.violations))
  const seconds = Math.round((Date.now() - started) / 1000)
  const head = line('', 'cases', 'succeeded', 'failed', 'violations')
  return [head, ...lines, `${total()} cases in ${seconds} s`].join('\n')
}
