import type { Submittable } from 'pg'
import { databaseError } from '../service-error.ts'

/** Values of one execution, with the PostgreSQL type each is declared as (0 = undeclared). */
export interface BoundValues {
  readonly types: readonly number[]
  /** Strings travel in text format, buffers in binary format. */
  readonly values: readonly (string | Buffer | null)[]
}

export interface ResultColumn {
  readonly name: string
  readonly dataTypeID: number
  readonly dataTypeModifier: number
}

export interface QueryOutcome {
  /** Undefined for a statement that returns no rows at all. */
  readonly columns: readonly ResultColumn[] | undefined
  readonly rows: readonly (readonly (string | null)[])[]
  /** The command tag, for instance `INSERT 0 3`; empty for an empty statement. */
  readonly tag: string
  /** More result bytes than the limit: rows after that were thrown away. */
  readonly oversize: boolean
}

/** The part of pg's connection that speaks the extended protocol; its published types lag behind. */
interface WireConnection {
  once(event: 'copyOutResponse', listener: () => void): void
  off(event: 'copyOutResponse', listener: () => void): void
  readonly stream: { cork(): void; uncork(): void }
  parse(message: { text: string; types: readonly number[] }): void
  bind(message: { values: readonly (string | Buffer | null)[] }): void
  describe(message: { type: 'P' }): void
  execute(message: object): void
  sync(): void
  sendCopyFail(reason: string): void
}

/**
 * One statement through the extended protocol, executed once per set of values with one Sync at
 * the end: without an open transaction the sets are therefore atomic together.
 */
export class BoundQuery implements Submittable {
  readonly done: Promise<QueryOutcome>
  readonly #text: string
  readonly #sets: readonly BoundValues[]
  readonly #byteLimit: number
  readonly #settle: PromiseWithResolvers<QueryOutcome>
  #columns: readonly ResultColumn[] | undefined
  #rows: (readonly (string | null)[])[] = []
  #bytes = 0
  #tag = ''
  #copiesOut = false
  #wire: WireConnection | undefined
  readonly #onCopyOut = () => {
    this.#copiesOut = true
  }

  constructor(text: string, sets: readonly BoundValues[], byteLimit: number) {
    this.#text = text
    this.#sets = sets
    this.#byteLimit = byteLimit
    this.#settle = Promise.withResolvers()
    this.done = this.#settle.promise
  }

  // The member names from here on are pg's: its client calls them as messages arrive.
  submit(connection: unknown): void {
    const wire = connection as WireConnection
    this.#wire = wire
    // The client has no handler for it.
    wire.once('copyOutResponse', this.#onCopyOut)
    wire.stream.cork()
    let parsedTypes = ''
    for (const { types, values } of this.#sets) {
      if (parsedTypes !== `[${types}]`) wire.parse({ text: this.#text, types })
      parsedTypes = `[${types}]`
      wire.bind({ values })
      wire.describe({ type: 'P' })
      wire.execute({})
    }
    wire.sync()
    wire.stream.uncork()
  }

  handleRowDescription(message: { fields: readonly ResultColumn[] }): void {
    this.#columns = message.fields
  }

  handleDataRow(message: { fields: readonly (string | null)[]; length: number }): void {
    // The length counts its own 4 bytes; the rest is 2 + 4 per column + the values, which is
    // exactly how the service sizes a result.
    this.#bytes += message.length - 4
    if (this.#bytes <= this.#byteLimit) this.#rows.push(message.fields)
    else this.#rows = []
  }

  handleCommandComplete(message: { text: string }): void {
    this.#tag = message.text
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(connection: unknown): void {
    const wire = connection as WireConnection
    wire.sendCopyFail('COPY FROM STDIN has no input over the Data API')
    // The Sync sent with the statement was swallowed by copy mode.
    wire.sync()
  }

  handleCopyData(): void {}

  handleError(error: Error): void {
    this.#wire?.off('copyOutResponse', this.#onCopyOut)
    this.#settle.reject(error)
  }

  handleReadyForQuery(): void {
    this.#wire?.off('copyOutResponse', this.#onCopyOut)
    // An answer has no place for the data. That the service refuses it, too, is not verified.
    if (this.#copiesOut) {
      this.#settle.reject(databaseError('COPY TO STDOUT has no output over the Data API'))
      return
    }
    this.#settle.resolve({
      columns: this.#columns,
      rows: this.#rows,
      tag: this.#tag,
      oversize: this.#bytes > this.#byteLimit,
    })
  }
}
