import { randomUUID } from 'node:crypto'
import type { Call, LocalAurora } from '../infra/local/local-aurora.ts'
import type { CommandContext } from '../lambda/commands.ts'
import { newClient, RdsDataApi } from '../lambda/data-api/rds-data-api.ts'
import { VersionTable } from '../lambda/ledger/version-table.ts'
import type { Operations } from '../lambda/operations/operations.ts'
import type { Revision } from '../lambda/revisions/revision.ts'
import { RevisionMap } from '../lambda/revisions/revision-map.ts'
import { checkingOwnStatements } from './own-statements.ts'
import { writtenStatement } from './written-statement.ts'

/** Whether statements travel together: the suite is run both ways, `BATCHING=off npm test`. */
export const BATCHING = process.env.BATCHING !== 'off'

/** What commands work with, on a database of local Aurora through the real SDK client; log lines are kept. */
export interface TestContext extends CommandContext {
  readonly lines: string[]
}

export interface TestContextOptions {
  readonly runId?: string
  /** Default: one minute. */
  readonly timeMs?: number
  readonly table?: VersionTable
  /** How long the client waits for an answer. Default: as in the product. */
  readonly patienceMs?: number
}

export function testContext(
  aurora: LocalAurora,
  database: string,
  revisions: readonly Revision[],
  options: TestContextOptions = {},
): TestContext {
  Object.assign(process.env, aurora.environment(database))
  const map = new RevisionMap(revisions)
  const byId = new Map(revisions.map((revision) => [revision.revision, revision]))
  const lines: string[] = []
  const { clusterArn, secretArn } = aurora
  const deadline = Date.now() + (options.timeMs ?? 60_000)
  return {
    api: checkingOwnStatements(
      new RdsDataApi({ clusterArn, secretArn, database }, newClient(options.patienceMs)),
    ),
    table: options.table ?? new VersionTable({ schema: 'public', name: 'alembic_version' }),
    run: { runId: options.runId ?? randomUUID(), source: 'test', who: 'a test' },
    log: { info: (line) => void lines.push(line), warn: (line) => void lines.push(line) },
    lines,
    deadline,
    batching: BATCHING,
    secretChecked: Promise.resolve(),
    sessionOptions: { retry: { deadline } },
    map,
    revision: (id) => byId.get(id) as Revision,
  }
}

export type Work = (op: Operations) => Promise<void>

/** A revision in one line; without `downgrade` it is irreversible. */
export function revision(
  id: string,
  downRevision: Revision['downRevision'],
  upgrade: Work,
  downgrade: Work | null = null,
): Revision {
  return { revision: id, downRevision, doc: `doc of ${id}`, upgrade, downgrade }
}

/** A revision that creates the table named after it, and drops it again. */
export function tableRevision(id: string, downRevision: Revision['downRevision']): Revision {
  return revision(
    id,
    downRevision,
    (op) => op.execute(`create table "t_${id}" (id integer primary key)`),
    (op) => op.execute(`drop table "t_${id}"`),
  )
}

/** The calls on a database, shortened: the operation, or the first words of the statement; of a batch, of each in it. */
export function callNames(calls: readonly Call[], words = 2): string[] {
  return calls.flatMap((call) => {
    if (call.operation !== 'ExecuteStatement') return [call.operation]
    return statementsOf(call).map((sql) => statementName(sql, words))
  })
}

/** The statements that a call carries. */
export function statementsOf({ sql = '', parameters }: Call): string[] {
  if (!/^select \S+_exec_v\d+"?\(/.test(sql)) return [writtenStatement(sql)]
  const [{ value }] = parameters as [{ value: { stringValue: string } }]
  return (JSON.parse(value.stringValue) as { sql: string }[]).map((item) => item.sql)
}

function statementName(sql: string, words: number): string {
  const text = sql.replace(/\s+/g, ' ').trim()
  if (text.startsWith('with recursive "roles"')) return 'Read'
  if (text.startsWith('with "gate"')) return 'Fence'
  if (text.startsWith('with "before"')) return 'Move'
  return text.split(' ').slice(0, words).join(' ')
}
