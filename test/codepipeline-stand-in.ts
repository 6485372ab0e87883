import type { CodePipelineHandler } from '../lambda/handlers/index.ts'
import { type HttpAnswer, type HttpStandIn, httpStandIn } from './http-stand-in.ts'
import { invokeAsLambda } from './lambda-stand-in.ts'
import { CREDENTIALS } from './secret-texts.ts'

/** What the function told CodePipeline of a job. */
export interface JobResult {
  readonly operation: 'PutJobSuccessResult' | 'PutJobFailureResult'
  readonly jobId: string
  readonly continuationToken?: string
  readonly outputVariables?: Readonly<Record<string, string>>
  readonly failureDetails?: { readonly type: string; readonly message: string }
}

export interface ActionOptions {
  readonly userParameters?: string
  readonly jobId?: string
  /** Timeout of the function. Default: 12 minutes. */
  readonly timeoutMs?: number
}

/**
 * One Lambda action: invokes the handler with job events and takes the results over HTTP; a continued job comes again
 * with its token and another id.
 */
export class CodePipelineStandIn implements AsyncDisposable {
  readonly results: JobResult[] = []
  /** How many of the next calls are throttled. */
  throttle = 0
  /** Whether calls are denied. */
  deny = false
  #server: HttpStandIn | undefined
  #jobs = 0

  static async start(): Promise<CodePipelineStandIn> {
    const standIn = new CodePipelineStandIn()
    standIn.#server = await httpStandIn(({ headers, body }) =>
      standIn.#answer(String(headers['x-amz-target']), JSON.parse(body)),
    )
    return standIn
  }

  get endpoint(): string {
    return this.#server?.endpoint ?? ''
  }

  /** Runs the action to its end, however often it is continued; answers what each invocation of the function answered. */
  async run(handler: CodePipelineHandler, options: ActionOptions = {}): Promise<unknown[]> {
    const answers: unknown[] = []
    let token: string | undefined
    do {
      this.#jobs += 1
      const jobId = options.jobId ?? `job-${this.#jobs}`
      answers.push(await this.invoke(handler, { ...options, jobId }, token))
      token = this.results.findLast((result) => result.jobId === jobId)?.continuationToken
    } while (token !== undefined)
    return answers
  }

  /** Invokes the function with one job: `null`, or an error as Lambda shows it. */
  async invoke(
    handler: CodePipelineHandler,
    { jobId, userParameters, timeoutMs = 720_000 }: ActionOptions,
    continuationToken?: string,
  ): Promise<unknown> {
    const configuration = { FunctionName: 'migrate', UserParameters: userParameters }
    const data = {
      actionConfiguration: { configuration },
      inputArtifacts: [],
      outputArtifacts: [],
      artifactCredentials: { accessKeyId: 'AKIAJOB', ...CREDENTIALS },
      continuationToken,
    }
    const event = { 'CodePipeline.job': { id: jobId, accountId: '123456789012', data } }
    const { Payload } = await invokeAsLambda(handler, JSON.stringify(event), timeoutMs)
    return JSON.parse(Buffer.from(Payload).toString())
  }

  /** Forgets all jobs. */
  clear(): void {
    this.results.length = 0
    this.#jobs = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }

  #answer(operationName: string, body: Omit<JobResult, 'operation'>): HttpAnswer {
    const operation = operationName.split('.')[1] as JobResult['operation']
    const headers = { 'content-type': 'application/x-amz-json-1.1' }
    const refusal = this.#refusal(body)
    if (refusal) return { status: 400, headers, body: JSON.stringify({ __type: refusal }) }
    this.results.push({ operation, ...body })
    return { status: 200, headers, body: '{}' }
  }

  #refusal({ jobId }: { jobId: string }): string | undefined {
    if (this.throttle > 0) {
      this.throttle -= 1
      return 'ThrottlingException'
    }
    if (this.deny) return 'AccessDeniedException'
    return this.results.some((result) => result.jobId === jobId)
      ? 'InvalidJobStateException'
      : undefined
  }
}
