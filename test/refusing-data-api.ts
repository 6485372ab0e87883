import { httpStandIn } from './http-stand-in.ts'

/** An error of the service that local Aurora has no reason to give. */
export interface Refusal {
  readonly status: number
  readonly exception: string
  readonly message: string
  /** After so many milliseconds calls go through. Default: never. */
  readonly untilMs?: number
}

/** A Data API that answers one error, and later what the one behind it answers. */
export async function refusingDataApi(
  behind: string,
  { status, exception, message, untilMs = Number.POSITIVE_INFINITY }: Refusal,
): Promise<AsyncDisposable & { readonly endpoint: string; readonly refused: number }> {
  const end = Date.now() + untilMs
  const json = { 'content-type': 'application/json' }
  let refused = 0
  const { endpoint, ...server } = await httpStandIn(async ({ url, headers, body }) => {
    if (Date.now() < end) {
      refused += 1
      const refusal = { ...json, 'x-amzn-errortype': exception }
      return { status, headers: refusal, body: JSON.stringify({ message }) }
    }
    const { authorization = '' } = headers
    const answer = await fetch(behind + url, {
      method: 'POST',
      headers: { ...json, authorization },
      body,
    })
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: await answer.text(),
    }
  })
  return {
    endpoint,
    get refused() {
      return refused
    },
    [Symbol.asyncDispose]: server[Symbol.asyncDispose],
  }
}
