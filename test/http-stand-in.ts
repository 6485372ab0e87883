import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface HttpAnswer {
  readonly status: number
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string
}

/** An HTTP server on 127.0.0.1. */
export interface HttpStandIn extends AsyncDisposable {
  readonly port: number
  readonly endpoint: string
}

/** Starts a server that answers every request by this function. */
export async function httpStandIn(
  answer: (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>,
): Promise<HttpStandIn> {
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    text(request)
      .then((body) => answer({ method, url, headers, body }))
      .then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        (error: Error) => response.destroy(error),
      )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
