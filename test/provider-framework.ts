import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { InvokeAnswer } from './lambda-stand-in.ts'

/** What leaves the framework: calls of Lambda and Step Functions, and the PUT of a response. */
export interface Outbound {
  invokeFunction(request: { FunctionName: string; Payload: string }): Promise<InvokeAnswer>
  startExecution(request: { stateMachineArn: string; input: string }): Promise<unknown>
  httpRequest(options: PutOptions, body: string): Promise<void>
}

export interface PutOptions {
  readonly hostname: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string | number>>
}

/** The three entry points of CDK's framework, as its Lambda functions call them. */
export interface ProviderFramework {
  onEvent(request: Readonly<Record<string, unknown>>): Promise<void>
  isComplete(event: Readonly<Record<string, unknown>>): Promise<void>
  onTimeout(event: { Error: string; Cause: string }): Promise<void>
}

const RUNTIME = 'aws-cdk-lib/custom-resources/lib/provider-framework/runtime'

/** Loads the framework that CDK deploys, with what leaves it replaced; it logs nothing, as deployed. */
export function loadProviderFramework(outbound: Outbound): ProviderFramework {
  const require = createRequire(import.meta.url)
  // Their package's exports do not name these files.
  const runtime = require.resolve('aws-cdk-lib').replace(/aws-cdk-lib.*$/, RUNTIME)
  const replace = (file: string, exports: unknown) => {
    const id = `${runtime}/${file}.js`
    require.cache[id] = { id, filename: id, loaded: true, exports } as NodeJS.Module
  }
  const util = require(`${runtime}/util.js`)
  replace('outbound', outbound)
  replace('util', { ...util, log: () => {} })
  for (const file of ['cfn-response', 'framework']) delete require.cache[`${runtime}/${file}.js`]
  Object.assign(process.env, {
    USER_ON_EVENT_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:123456789012:function:onEvent',
    USER_IS_COMPLETE_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:123456789012:function:isComplete',
    WAITER_STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:123456789012:stateMachine:waiter',
  })
  return require(`${runtime}/framework.js`)
}

export interface Waiter {
  readonly intervalMs: number
  readonly maxAttempts: number
  /** Rejects when the framework's own function dies in an attempt. Default: it never does. */
  readonly died?: () => Promise<never>
}

/** Runs the framework's waiter state machine: one retry after another, then the timeout handler. */
export async function runWaiter(
  framework: ProviderFramework,
  input: string,
  { intervalMs, maxAttempts, died }: Waiter,
): Promise<void> {
  let failure = ''
  for (let attempt = 0; attempt <= maxAttempts; attempt++) {
    if (attempt > 0) await sleep(intervalMs)
    try {
      const done = framework.isComplete(JSON.parse(input))
      return await (died ? Promise.race([done, died()]) : done)
    } catch (error) {
      failure = (error as Error).message
    }
  }
  const cause = { errorMessage: failure }
  await framework.onTimeout({ Error: 'Retry', Cause: JSON.stringify(cause) })
}
