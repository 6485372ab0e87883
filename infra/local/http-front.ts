import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ServiceError, validationError } from './service-error.ts'

/** What a route answers; undefined leaves the client without an answer. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** Name of the exception, for the error header of the protocol. */
  readonly errorName?: string
}

/** How a call ends without an answer: its socket is cut, or stays open and silent. */
export type NoAnswer = 'cut' | 'silent'

export interface HttpCall {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Route = (call: HttpCall) => Promise<Answer | NoAnswer>

const localHost = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/i

const errorNamespace = 'http://internal.amazon.com/coral/com.amazon.rdsdataservice/'

/** HTTP on the loopback interface only, for programs only: no browser page gets an answer. */
export class HttpFront {
  readonly #server: Server
  readonly #route: Route
  readonly #requestBytes: number

  constructor(route: Route, requestBytes: number) {
    this.#route = route
    this.#requestBytes = requestBytes
    this.#server = createServer((request, response) => void this.#serve(request, response))
    // A client reusing a connection must never meet one that was just closed.
    this.#server.keepAliveTimeout = 120_000
    this.#server.requestTimeout = 0
  }

  /** Answers the port. */
  async listen(port: number): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#server.once('error', (cause: NodeJS.ErrnoException) => {
      const fix = `${cause.message}; name another port with --port, or none to take any free one`
      reject(port === 0 ? cause : new Error(`cannot listen on port ${port}: ${fix}`, { cause }))
    })
    this.#server.listen(port, '127.0.0.1', resolve)
    await promise
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request)
    if (answer === 'cut') request.socket.destroy()
    if (typeof answer === 'string') return
    response.writeHead(answer.status, {
      'content-type': answer.contentType,
      'content-length': Buffer.byteLength(answer.body),
      'x-amzn-RequestId': randomUUID(),
      ...(answer.errorName === undefined
        ? {}
        : { 'x-amzn-ErrorType': `${answer.errorName}:${errorNamespace}` }),
    })
    response.end(answer.body)
  }

  async #answer(request: IncomingMessage): Promise<Answer | NoAnswer> {
    try {
      refuseForeign(request)
      const body = await readBody(request, this.#requestBytes)
      const { method = '', url: path = '', headers } = request
      return await this.#route({ method, path, headers, body })
    } catch (error) {
      return errorAnswer(error)
    }
  }
}

/** An error as the Data API's protocol (restJson) puts it on the wire. */
export function errorAnswer(error: unknown): Answer {
  const known =
    error instanceof ServiceError ? error : new ServiceError('InternalFailure', 500, String(error))
  return {
    status: known.status,
    contentType: 'application/json',
    body: JSON.stringify(known.body),
    errorName: known.name,
  }
}

function refuseForeign({ headers }: IncomingMessage): void {
  // A page in a browser can reach loopback, directly or by a name that resolves to it.
  if (localHost.test(headers.host ?? '') && headers.origin === undefined) return
  throw new ServiceError(
    'ForbiddenException',
    403,
    `Host ${headers.host} is refused: call 127.0.0.1 or localhost, and not from a browser page`,
  )
}

async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = []
  // The service counts the headers as well.
  let bytes = request.rawHeaders.reduce((sum, text) => sum + text.length, 0)
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes <= limit) chunks.push(chunk as Buffer)
  }
  if (bytes > limit) {
    throw validationError(`The request has ${bytes} bytes: the limit is ${limit}`)
  }
  return Buffer.concat(chunks).toString()
}
