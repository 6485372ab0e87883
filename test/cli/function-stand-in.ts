import type { IncomingHttpHeaders } from 'node:http'
import { type HttpAnswer, httpStandIn } from '../http-stand-in.ts'
import { type InvokeAnswer, invokeAsLambda } from '../lambda-stand-in.ts'

type Handler = (event: unknown, context?: never) => Promise<unknown>

/** A Lambda service with one function. */
export interface FunctionStandIn extends AsyncDisposable {
  /** What the CLI needs in its environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The events it was invoked with, those that only look at the history left out. */
  readonly events: readonly Record<string, unknown>[]
  /** The regions that the requests were signed for. */
  readonly regions: readonly string[]
}

export const FUNCTION = 'shop-migrations'

/** Answers Lambda's Invoke for the function `shop-migrations`; every other name is not found. */
export async function functionStandIn(handler: Handler): Promise<FunctionStandIn> {
  const events: Record<string, unknown>[] = []
  const regions: string[] = []
  const server = await httpStandIn(async ({ url, body, headers }) => {
    regions.push(signedRegion(headers))
    const [, name = ''] = /^\/2015-03-31\/functions\/([^/]*)\/invocations$/.exec(url) ?? []
    if (decodeURIComponent(name).split(':').at(-1) !== FUNCTION) return notFound(url)
    const event = JSON.parse(body) as Record<string, unknown>
    if (event.range !== 'heads:heads') events.push(event)
    return answerOf(await invokeAsLambda(handler as never, body))
  })
  return {
    events,
    regions,
    environment: {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_LAMBDA: server.endpoint,
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

function answerOf({ Payload, FunctionError }: InvokeAnswer): HttpAnswer {
  return {
    status: 200,
    headers: FunctionError === undefined ? {} : { 'X-Amz-Function-Error': FunctionError },
    body: Buffer.from(Payload).toString(),
  }
}

function notFound(url: string): HttpAnswer {
  const name = /functions\/([^/]*)/.exec(url)?.[1]
  return {
    status: 404,
    headers: { 'x-amzn-errortype': 'ResourceNotFoundException' },
    body: JSON.stringify({ Type: 'User', Message: `Function not found: ${name}` }),
  }
}

/** The region that a request was signed for. */
export function signedRegion({ authorization = '' }: IncomingHttpHeaders): string {
  return /Credential=[^/]+\/\d+\/([^/]+)/.exec(authorization)?.[1] ?? ''
}
