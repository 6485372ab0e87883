/** What an SDK client gets from Lambda's Invoke. */
export interface InvokeAnswer {
  readonly Payload: Uint8Array
  readonly FunctionError?: string
}

// biome-ignore lint/suspicious/noExplicitAny: any handler will do, as in Lambda
type Handler = (event: any, context: any) => Promise<unknown>

/** Invokes a handler as Lambda does: JSON in and out, an error as its type, message and the lines of its stack. */
export async function invokeAsLambda(
  handler: Handler,
  payload: string,
  timeoutMs = 900_000,
): Promise<InvokeAnswer> {
  const end = Date.now() + timeoutMs
  const context = {
    awsRequestId: crypto.randomUUID(),
    getRemainingTimeInMillis: () => end - Date.now(),
  }
  try {
    const answer = await handler(JSON.parse(payload), context)
    if (Date.now() > end) throw new Error(`Task timed out after ${timeoutMs} ms`)
    return { Payload: Buffer.from(JSON.stringify(answer ?? null)) }
  } catch (error) {
    const { name, message, stack = '' } = error as Error
    const body = { errorType: name, errorMessage: message, trace: stack.split('\n') }
    return { FunctionError: 'Unhandled', Payload: Buffer.from(JSON.stringify(body)) }
  }
}
