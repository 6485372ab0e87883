import { randomUUID } from 'node:crypto'
import { remainingFor } from '../../lambda/handlers/deadline.ts'
import type { InvokeResponse } from '../../lambda/handlers/index.ts'
import type { InvokeContext } from '../../lambda/handlers/invoke.ts'
import {
  type InvokeEvent,
  needsDatabase,
  parseRequest,
} from '../../lambda/handlers/invoke-request.ts'
import type { StepReport } from '../../lambda/run/report.ts'
import type { RunLog } from '../../lambda/run/runner-context.ts'
import { type Invoke, loadBundle } from './loaded-bundle.ts'
import type { Output } from './output.ts'
import type { Place } from './place.ts'
import { Watchdog } from './watchdog.ts'

/** Environment variables. */
export type Environment = Readonly<Record<string, string>>

/** The database that the bundle works on. */
export interface Database extends AsyncDisposable {
  /** What the bundle finds in its environment. */
  readonly environment: Environment
}

export interface ProcessPlaceOptions {
  readonly name: string
  readonly migrations: string
  readonly output: Output
  /** What was typed as options: it goes before what the shell says. */
  readonly settings: Environment
  /** How long one revision may work. */
  readonly timeoutMs: number
  /** Called before the first event that needs a database. */
  connect(): Promise<Database>
}

/** Runs the bundle in this process. */
export class ProcessPlace implements Place {
  readonly name: string
  readonly interruption = {
    first:
      'stopping after the revision at work; Ctrl-C again leaves at once, and the database rolls that one back',
    second: 'left: what was at work is rolled back by the database within 3 minutes; see current',
  }
  readonly life: string
  readonly #options: ProcessPlaceOptions
  #invoke: Promise<Invoke> | undefined
  #database: Database | undefined

  constructor(options: ProcessPlaceOptions) {
    this.name = options.name
    this.life = `${options.timeoutMs / 1000} s`
    this.#options = options
  }

  async send(event: InvokeEvent, stop?: AbortSignal): Promise<InvokeResponse> {
    const { migrations, output, settings, timeoutMs, connect } = this.#options
    const request = parseRequest(event)
    Object.assign(process.env, settings)
    this.#invoke ??= loadBundle(migrations, output)
    const invoke = await this.#invoke
    const context = this.#context(stop)
    // The only commands that run code of revisions.
    const runs = 'target' in request && request.command !== 'show'
    using _ = runs ? new Watchdog(timeoutMs) : undefined
    if (!needsDatabase(request)) return await invoke(event, context)
    // Wrong revision files are refused before a database is started for them.
    const files = await invoke({ command: 'heads' })
    if (files.status === 'failed') return files
    this.#database ??= await connect()
    Object.assign(process.env, this.#database.environment, settings)
    return await invoke(event, context)
  }

  #context(stop: AbortSignal | undefined): InvokeContext {
    const { output, timeoutMs } = this.#options
    return {
      awsRequestId: randomUUID(),
      getRemainingTimeInMillis: () => remainingFor(timeoutMs),
      caller: {
        source: 'cli',
        log: logTo(output),
        moreTime: `give it more than ${timeoutMs / 1000} s with --timeout, or split it into several revisions`,
        ...(stop && { stop }),
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database?.[Symbol.asyncDispose]()
  }
}

function logTo(output: Output): RunLog {
  return {
    info: (message, attributes = {}) => {
      if ('statements' in attributes) output.step(attributes as unknown as StepReport)
      else output.note(message)
    },
    waiting: (message) => output.waiting(message),
    // The error of a run is in its report.
    warn: (message, attributes = {}) => {
      if (!('kind' in attributes)) output.warn(message)
    },
  }
}
