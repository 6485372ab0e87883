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
import { identifierText, literal } from '../sql/literals.ts'
import { Statement } from '../sql/statement.ts'
import { MAX_SQL_CHARACTERS } from '../sql/statement-length.ts'
import { refuseTornLiterals } from '../sql/torn-literals.ts'
import { unusedName } from '../sql/unused-name.ts'
import { LONG_VALUE_CHARACTERS, longValue, parametersOf } from './long-values.ts'
import type { Session } from './session.ts'

/**
 * Writes every value as a literal: the Data API binds strings as `text`, which PostgreSQL refuses for
 * uuid, enum, date, json, inet and array columns, while a literal takes its type from where it stands.
 *
 * Only when the text would get too long do its long values travel beside it, as parameters.
 */
export class LiteralQueryCompiler extends PostgresQueryCompiler {
  /** Where the values stand in the text, to see that each is still one constant there. */
  #literals: (readonly [start: number, end: number])[] = []
  #longest = Number.POSITIVE_INFINITY
  #parameterName = ''

  override compileQuery(node: RootOperationNode, queryId: QueryId): CompiledQuery {
    const compiled = this.#compile(node, queryId, Number.POSITIVE_INFINITY)
    if (compiled.sql.length <= MAX_SQL_CHARACTERS) return compiled
    // A name that is a column as well would be taken for the parameter in an array slice: a[1:v1].
    this.#parameterName = unusedName('aurora_value', compiled.sql)
    return this.#compile(node, queryId, LONG_VALUE_CHARACTERS)
  }

  #compile(node: RootOperationNode, queryId: QueryId, longest: number): CompiledQuery {
    this.#literals = []
    this.#longest = longest
    const compiled = super.compileQuery(node, queryId)
    if (this.#literals.length > 0) refuseTornLiterals(compiled.sql, this.#literals)
    return compiled
  }

  protected override appendValue(value: unknown): void {
    const text = literal(value)
    const long = text.length > this.#longest ? longValue(value, this.#nextName()) : undefined
    if (long) {
      this.addParameter(long)
      this.append(`:${long.name}${long.cast}`)
      return
    }
    const start = this.getSql().length
    this.append(text)
    this.#literals.push([start, this.getSql().length])
  }

  #nextName(): string {
    return `${this.#parameterName}${this.numParameters + 1}`
  }

  protected override appendImmediateValue(value: unknown): void {
    this.appendValue(value)
  }

  protected override sanitizeIdentifier(identifier: string): string {
    return identifierText(identifier)
  }
}

const unanswered = new WeakMap<CompiledQuery, (error: Error) => Error>()

/**
 * A query whose result nobody looks at, so that it may travel with later statements. `told` makes of its error what the
 * sender would have made of it.
 */
export function withoutAnswer(query: CompiledQuery, told: (error: Error) => Error): CompiledQuery {
  unanswered.set(query, told)
  return query
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
    await this.#session.execute(new Statement(sql))
  }

  async executeQuery<R>(compiled: CompiledQuery): Promise<QueryResult<R>> {
    const statement = new Statement(compiled.sql, parametersOf(compiled))
    const told = unanswered.get(compiled)
    if (told) {
      const { accepted, ran } = this.#session.accept(statement)
      ran.catch((error: Error) => this.#session.locate(told(error)))
      await accepted
      return { rows: [] }
    }
    if (statement.facts.resultForm !== 'none') {
      const rows = (await this.#session.query(statement)) as R[]
      return { rows, numAffectedRows: BigInt(rows.length) }
    }
    return { rows: [], numAffectedRows: BigInt(await this.#session.execute(statement)) }
  }

  // biome-ignore lint/correctness/useYield: Kysely asks for a generator, and there is nothing to yield.
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new CommandError(
      'NoStreaming',
      'the Data API cannot stream: use execute(), which reads a result of any size in parts',
    )
  }
}

/** The Kysely instance of a session, and the way a builder of it becomes text. */
export function kyselyOf(session: Session): Kysely<unknown> {
  return new Kysely<unknown>({ dialect: new SessionDialect(session) })
}
