import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryId,
  type QueryResult,
  type RootOperationNode,
} from 'kysely'
import { CommandError } from '../errors.ts'
import { identifierText, literal } from './literals.ts'
import type { Session } from './session.ts'
import { refuseTornLiterals, resultForm } from './statements.ts'

/**
 * Writes every value as a literal: the Data API binds strings as `text`, which PostgreSQL refuses for
 * uuid, enum, date, json, inet and array columns, while a literal takes its type from where it stands.
 */
export class LiteralQueryCompiler extends PostgresQueryCompiler {
  /** Where the values stand in the text, to see that each is still one constant there. */
  #literals: (readonly [start: number, end: number])[] = []

  override compileQuery(node: RootOperationNode, queryId: QueryId): CompiledQuery {
    this.#literals = []
    const compiled = super.compileQuery(node, queryId)
    refuseTornLiterals(compiled.sql, this.#literals)
    return compiled
  }

  protected override appendValue(value: unknown): void {
    const start = this.getSql().length
    this.append(literal(value))
    this.#literals.push([start, this.getSql().length])
  }

  protected override appendImmediateValue(value: unknown): void {
    this.appendValue(value)
  }

  protected override sanitizeIdentifier(identifier: string): string {
    return identifierText(identifier)
  }
}

/** Kysely over one {@link Session}, which is its only connection: the instance stays valid across an autocommit block. */
export class SessionDialect implements Dialect {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  createDriver = () => new SessionDriver(new SessionConnection(this.#session))
  createQueryCompiler = () => new LiteralQueryCompiler()
  createAdapter = () => new PostgresAdapter()
  createIntrospector = (db: Kysely<unknown>) => new PostgresIntrospector(db)
}

class SessionDriver implements Driver {
  readonly #connection: SessionConnection
  #depth = 0

  constructor(connection: SessionConnection) {
    this.#connection = connection
  }

  async init(): Promise<void> {}
  acquireConnection = async () => this.#connection
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}

  // The revision already is a transaction: one inside it can only be a savepoint.
  beginTransaction = async () => this.#connection.execute(`savepoint "kysely_${++this.#depth}"`)
  commitTransaction = async () =>
    this.#connection.execute(`release savepoint "kysely_${this.#depth--}"`)
  rollbackTransaction = async () =>
    this.#connection.execute(`rollback to savepoint "kysely_${this.#depth--}"`)
  savepoint = async (_: DatabaseConnection, name: string) =>
    this.#connection.execute(`savepoint "${identifierText(name)}"`)
  rollbackToSavepoint = async (_: DatabaseConnection, name: string) =>
    this.#connection.execute(`rollback to savepoint "${identifierText(name)}"`)
  releaseSavepoint = async (_: DatabaseConnection, name: string) =>
    this.#connection.execute(`release savepoint "${identifierText(name)}"`)
}

class SessionConnection implements DatabaseConnection {
  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  async execute(sql: string): Promise<void> {
    await this.#session.execute(sql)
  }

  async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
    if (compiled.parameters.length > 0) throw refuseParameters(compiled)
    if (returnsRows(compiled.query, compiled.sql)) {
      const rows = (await this.#session.query(compiled.sql)) as R[]
      return { rows, numAffectedRows: BigInt(rows.length) }
    }
    return { rows: [], numAffectedRows: BigInt(await this.#session.execute(compiled.sql)) }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for a generator, and there is nothing to yield.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new CommandError(
      'NoStreaming',
      'the Data API cannot stream: use execute(), which reads a result of any size page by page',
    )
  }
}

function returnsRows(query: RootOperationNode, sql: string): boolean {
  if (query.kind === 'RawNode') return resultForm(sql) !== 'none'
  return query.kind === 'SelectQueryNode' || ('returning' in query && query.returning !== undefined)
}

function refuseParameters({ sql, parameters }: CompiledQuery): CommandError {
  return new CommandError(
    'ParametersNotAllowed',
    `a compiled query carries ${parameters.length} parameter(s) and a revision sends literals: write the values into the sql template, as in sql\`… \${value}\` (it begins: ${sql.slice(0, 80)})`,
  )
}

/** The Kysely instance of a session, and the way a builder of it becomes text. */
export function kyselyOf(session: Session): Kysely<unknown> {
  return new Kysely<unknown>({ dialect: new SessionDialect(session) })
}
