import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { CommandError } from '../../lambda/errors.ts'
import type { InvokeResponse } from '../../lambda/handlers/index.ts'
import { type InvokeEvent, parseRequest } from '../../lambda/handlers/invoke-request.ts'
import { messageOf } from '../../lambda/thrown.ts'
import { invocationError, readAnswer } from './function-answer.ts'
import type { Output } from './output.ts'
import { isRun, type Place } from './place.ts'

/** A Lambda's longest life, and a little more. */
const PATIENCE_MS = 16 * 60_000
const POLL_MS = 2_000
/** More than a run can finish between two polls. */
const POLLED_ROWS = 50

/** Invokes the deployed function. While a run is at work there, its steps are read from the history. */
export class FunctionPlace implements Place {
  readonly name: string
  readonly interruption: Place['interruption']
  readonly life: string
  readonly #function: string
  readonly #output: Output
  readonly #client: LambdaClient

  constructor(name: string, output: Output) {
    const region = regionOf(name)
    this.#client = new LambdaClient({
      // An answer that was lost is no reason to run the same thing twice at once.
      maxAttempts: 1,
      requestHandler: { requestTimeout: PATIENCE_MS, throwOnRequestTimeout: true },
      ...(region !== undefined && { region }),
    })
    this.name = `function ${name}`
    this.life = `one life of ${this.name}`
    this.interruption = {
      first: `waiting for ${this.name}, which ends its run by itself; Ctrl-C again leaves at once`,
      second: `left: ${this.name} goes on by itself; see current and history --runs`,
    }
    this.#function = name
    this.#output = output
  }

  async send(event: InvokeEvent): Promise<InvokeResponse> {
    parseRequest(event)
    await this.#prepare()
    return isRun(event) ? await this.#run(event) : await this.#invoke(event)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy()
  }

  /** Finds out what a request needs. Without it nothing is sent, so what is missing is no lost answer. */
  async #prepare(): Promise<void> {
    const { config } = this.#client
    try {
      await config.region()
    } catch (cause) {
      const fix = 'set AWS_REGION, or name the function by its ARN'
      throw new CommandError('NoRegion', `the region of ${this.name} is not known: ${fix}`, {
        cause,
      })
    }
    try {
      await config.credentials()
    } catch (cause) {
      const message = `there are no credentials to invoke ${this.name}: ${messageOf(cause)}`
      throw new CommandError('NoCredentials', message, { cause })
    }
  }

  async #run(event: InvokeEvent): Promise<InvokeResponse> {
    const { runId = randomUUID() } = event as { readonly runId?: string }
    const shown = new Set<string>()
    const over = new AbortController()
    const polling = this.#showSteps(runId, shown, over.signal)
    try {
      const response = await this.#invoke({ ...event, runId } as InvokeEvent)
      if ('steps' in response) {
        const rest = response.steps.filter(({ revision }) => !shown.has(revision))
        for (const step of rest) this.#output.step(step)
      }
      return response
    } finally {
      over.abort()
      await polling
    }
  }

  async #invoke(event: InvokeEvent): Promise<InvokeResponse> {
    const Payload = JSON.stringify(event)
    try {
      const command = new InvokeCommand({ FunctionName: this.#function, Payload })
      return readAnswer(this.name, await this.#client.send(command))
    } catch (error) {
      throw invocationError(this.name, error, isRun(event))
    }
  }

  async #showSteps(runId: string, shown: Set<string>, over: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(POLL_MS, undefined, { signal: over }).catch(() => 'over')
      const answer = over.aborted ? undefined : await this.#recentRuns().catch(() => undefined)
      if (over.aborted) return
      for (const row of answer?.toReversed() ?? []) {
        const isDone = row.outcome === 'done' || row.outcome === 'stamped'
        if (row.runId !== runId || !isDone || shown.has(row.revision)) continue
        shown.add(row.revision)
        const { ms, statements, rows } = row
        this.#output.step({ ...row, ms: ms ?? 0, statements: statements ?? 0, rows: rows ?? 0 })
      }
    }
  }

  async #recentRuns() {
    const range = 'heads:heads'
    const answer = await this.#invoke({ command: 'history', range, limit: POLLED_ROWS })
    return 'runs' in answer ? answer.runs : undefined
  }
}

/** The region in the ARN of a function; `undefined` for its name alone. */
function regionOf(name: string): string | undefined {
  return /^arn:[^:]+:lambda:([^:]+):/.exec(name)?.[1]
}
