import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CustomResourceHandlers } from '../lambda/handlers/index.ts'
import { type HttpStandIn, httpStandIn } from './http-stand-in.ts'
import { invokeAsLambda } from './lambda-stand-in.ts'
import {
  loadProviderFramework,
  type ProviderFramework,
  type PutOptions,
  runWaiter,
} from './provider-framework.ts'
import { SIGNATURE } from './secret-texts.ts'

/** A PUT to the response URL. */
export interface ResourceResponse {
  readonly Status: 'SUCCESS' | 'FAILED'
  readonly Reason: string
  readonly PhysicalResourceId: string
  readonly RequestId: string
  readonly Data?: Readonly<Record<string, string>>
  /** Size of the whole body. */
  readonly bytes: number
}

/** What a template says of the custom resource and of the functions behind it. */
export interface Template {
  readonly handlers: CustomResourceHandlers
  readonly properties: Readonly<Record<string, string>>
}

export interface StandInOptions {
  /** Timeout of the functions behind the resource. Default: 12 minutes. */
  readonly functionTimeoutMs?: number
  /** How long ago the request came when the waiter starts. Default: 0. */
  readonly elapsedMs?: number
  /** Sends every event again after so many milliseconds. Default: once only. */
  readonly deliverAgainAfterMs?: number
  /** Rejects when the framework's own function dies while it waits for `isComplete`. Default: it never does. */
  readonly frameworkDied?: () => Promise<never>
  /** Default: one of 255 characters, the longest there is. */
  readonly logicalId?: string
}

export type StackStatus =
  | 'CREATE_COMPLETE'
  | 'ROLLBACK_COMPLETE'
  | 'ROLLBACK_FAILED'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_ROLLBACK_COMPLETE'
  | 'UPDATE_ROLLBACK_FAILED'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED'

/**
 * One stack with one custom resource: sends CloudFormation's events through CDK's own provider framework to the handlers
 * of a bundle, and takes the responses by HTTP, as CloudFormation does.
 *
 * One at a time in a process: the framework finds its functions in the environment.
 */
export class CloudFormationStandIn implements AsyncDisposable {
  readonly #framework: ProviderFramework
  readonly #waiting = new Map<string, (response: ResourceResponse) => void>()
  readonly #deliveries: Promise<unknown>[] = []
  options: StandInOptions
  #server: HttpStandIn | undefined
  /** Every event sent, and every response that came, duplicates included. */
  readonly events: Readonly<Record<string, unknown>>[] = []
  readonly responses: ResourceResponse[] = []
  #deployed: Template | undefined
  #handlers: CustomResourceHandlers | undefined
  #physicalId: string | undefined

  private constructor(options: StandInOptions) {
    this.options = options
    this.#framework = loadProviderFramework({
      invokeFunction: ({ FunctionName, Payload }) => {
        const name = FunctionName.split(':').at(-1) as keyof CustomResourceHandlers
        const handler = this.#handlers?.[name]
        if (handler === undefined) throw new Error(`no function ${name}`)
        return invokeAsLambda(handler, Payload, this.options.functionTimeoutMs ?? 720_000)
      },
      startExecution: async ({ input }) => this.#wait(input),
      httpRequest: (options, body) => this.#put(options, body),
    })
  }

  static async start(options: StandInOptions = {}): Promise<CloudFormationStandIn> {
    const standIn = new CloudFormationStandIn(options)
    standIn.#server = await httpStandIn(({ method, body }) => {
      standIn.#received({ ...JSON.parse(body), bytes: Buffer.byteLength(body) })
      return { status: method === 'PUT' ? 200 : 405 }
    })
    return standIn
  }

  /** Creates the stack; `otherFails`: another resource fails after this one. */
  async create(template: Template, otherFails = false): Promise<StackStatus> {
    this.#handlers = template.handlers
    const created = await this.send('Create', template.properties)
    this.#physicalId = created.PhysicalResourceId
    if (created.Status === 'SUCCESS' && !otherFails) {
      this.#deployed = template
      return 'CREATE_COMPLETE'
    }
    const gone = await this.send('Delete', template.properties)
    return gone.Status === 'SUCCESS' ? 'ROLLBACK_COMPLETE' : 'ROLLBACK_FAILED'
  }

  /** Updates it: sends nothing when no property changed, and rolls back with the functions as they were. */
  async update(template: Template, otherFails = false): Promise<StackStatus> {
    const old = this.#deployed
    if (old === undefined) throw new Error('nothing is deployed')
    this.#handlers = template.handlers
    const changed = JSON.stringify(old.properties) !== JSON.stringify(template.properties)
    const updated = changed
      ? await this.send('Update', template.properties, old.properties)
      : undefined
    if ((updated === undefined || updated.Status === 'SUCCESS') && !otherFails) {
      this.#deployed = template
      return 'UPDATE_COMPLETE'
    }
    this.#handlers = old.handlers
    if (!changed) return 'UPDATE_ROLLBACK_COMPLETE'
    const back = await this.send('Update', old.properties, template.properties)
    return back.Status === 'SUCCESS' ? 'UPDATE_ROLLBACK_COMPLETE' : 'UPDATE_ROLLBACK_FAILED'
  }

  async delete(physicalId = this.#physicalId): Promise<StackStatus> {
    this.#physicalId = physicalId
    const gone = await this.send('Delete', this.#deployed?.properties ?? {})
    return gone.Status === 'SUCCESS' ? 'DELETE_COMPLETE' : 'DELETE_FAILED'
  }

  /** Sends one event, and answers the first response to it. */
  async send(
    type: 'Create' | 'Update' | 'Delete',
    properties: Readonly<Record<string, string>>,
    oldProperties?: Readonly<Record<string, string>>,
  ): Promise<ResourceResponse> {
    const requestId = randomUUID()
    const event = {
      RequestType: type,
      RequestId: requestId,
      ResponseURL: `http://127.0.0.1/${requestId}?signature=${SIGNATURE}`,
      StackId: `arn:aws:cloudformation:us-east-1:123456789012:stack/${'s'.repeat(128)}/${randomUUID()}`,
      LogicalResourceId: this.options.logicalId ?? 'M'.repeat(255),
      ResourceType: 'Custom::AuroraMigrations',
      ResourceProperties: properties,
      ...(type !== 'Create' && { PhysicalResourceId: this.#physicalId }),
      ...(oldProperties && { OldResourceProperties: oldProperties }),
    }
    this.events.push(event)
    const response = new Promise<ResourceResponse>((resolve) =>
      this.#waiting.set(requestId, resolve),
    )
    this.deliver(event)
    if (this.options.deliverAgainAfterMs !== undefined) {
      this.#deliveries.push(sleep(this.options.deliverAgainAfterMs).then(() => this.deliver(event)))
    }
    return await response
  }

  /** Invokes the framework with an event, as another delivery of it. */
  deliver(event: Readonly<Record<string, unknown>>): void {
    this.#deliveries.push(this.#framework.onEvent(structuredClone(event)))
  }

  /** Resolves when nothing that was delivered is at work any more. */
  async settled(): Promise<void> {
    for (let i = 0; i < this.#deliveries.length; i++) await this.#deliveries[i]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settled()
    await this.#server?.[Symbol.asyncDispose]()
  }

  #wait(input: string): void {
    const event = JSON.parse(input)
    const Deadline = event.Deadline && event.Deadline - (this.options.elapsedMs ?? 0)
    const { frameworkDied: died } = this.options
    const waiter = { intervalMs: 50, maxAttempts: 360, ...(died && { died }) }
    this.#deliveries.push(
      runWaiter(this.#framework, JSON.stringify({ ...event, Deadline }), waiter),
    )
  }

  #received(response: ResourceResponse): void {
    this.responses.push(response)
    this.#waiting.get(response.RequestId)?.(response)
  }

  /** The framework knows only https and its default port. */
  async #put({ path, method, headers }: PutOptions, body: string): Promise<void> {
    const { port } = this.#server ?? {}
    const put = httpRequest({ host: '127.0.0.1', port, path, method, headers })
    put.end(body)
    const [response] = await once(put, 'response')
    response.resume()
    if (response.statusCode !== 200) throw new Error(`PUT answered ${response.statusCode}`)
  }
}
