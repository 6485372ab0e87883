import {
  CodePipelineClient,
  type FailureType,
  PutJobFailureResultCommand,
  PutJobSuccessResultCommand,
  type PutJobSuccessResultInput,
} from '@aws-sdk/client-codepipeline'
import type { RunLog } from '../run/runner-context.ts'

/** Without a result the action hangs, so throttling is sat out. */
const ATTEMPTS = 10

/** Tells CodePipeline what became of jobs. A job that has its result already is left alone. */
export class CodePipelineResults {
  readonly #log: RunLog
  #client: CodePipelineClient | undefined

  constructor(log: RunLog) {
    this.#log = log
  }

  async succeeded(jobId: string, result: Omit<PutJobSuccessResultInput, 'jobId'>): Promise<void> {
    await this.#put((client) => client.send(new PutJobSuccessResultCommand({ jobId, ...result })))
  }

  async failed(jobId: string, type: FailureType, message: string): Promise<void> {
    const failureDetails = { type, message }
    await this.#put((client) =>
      client.send(new PutJobFailureResultCommand({ jobId, failureDetails })),
    )
  }

  async #put(send: (client: CodePipelineClient) => Promise<unknown>): Promise<void> {
    this.#client ??= new CodePipelineClient({ maxAttempts: ATTEMPTS })
    try {
      await send(this.#client)
    } catch (error) {
      const { name } = error as Error
      if (!['InvalidJobStateException', 'JobNotFoundException'].includes(name)) throw error
      this.#log.warn('the job has its result already', { reason: name })
    }
  }
}
