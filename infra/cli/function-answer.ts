import type { InvokeCommandOutput } from '@aws-sdk/client-lambda'
import { CommandError, UnknownOutcome } from '../../lambda/errors.ts'
import type { InvokeResponse } from '../../lambda/handlers/index.ts'

/** The function ended without an answer of its own: it was out of time or memory, or could not be loaded. */
class FunctionError extends Error {
  override readonly name = 'FunctionError'
}

/** Reads what the function answered. */
export function readAnswer(
  name: string,
  { Payload, FunctionError: failed }: Pick<InvokeCommandOutput, 'Payload' | 'FunctionError'>,
): InvokeResponse {
  const text = Payload?.transformToString() ?? ''
  const answer = parse(text)
  if (failed !== undefined) {
    const { errorMessage } = (answer ?? {}) as { readonly errorMessage?: unknown }
    throw new FunctionError(`${name} ended without an answer: ${String(errorMessage ?? text)}`)
  }
  if (typeof answer === 'object' && answer !== null && 'status' in answer) {
    return answer as InvokeResponse
  }
  throw new CommandError(
    'NotOurFunction',
    `${name} answered ${text.slice(0, 80) || 'nothing'}, which is no report: name the function whose handler is index.invoke of the bundle`,
  )
}

/** What a failed call means: `wasRun` says whether it was to change the database. */
export function invocationError(name: string, error: unknown, wasRun: boolean): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error
  const { $metadata } = error as { readonly $metadata?: { readonly httpStatusCode?: number } }
  const fix = FIXES[error.name]
  const message = `${error.message}${fix === undefined ? '' : `: ${fix}`}`
  if ($metadata?.httpStatusCode !== undefined) {
    return new CommandError(error.name, `cannot invoke ${name}: ${message}`, { cause: error })
  }
  if (!wasRun || NOT_SENT.has((error as NodeJS.ErrnoException).code ?? error.name)) return error
  return new UnknownOutcome(
    `${message}; ${name} may still be at work: see current and history --runs, then run the same command again`,
    { cause: error },
  )
}

const FIXES: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'check the name and the region (AWS_REGION)',
  AccessDeniedException: 'allow lambda:InvokeFunction on it',
  TooManyRequestsException:
    'it is at work already, or has no concurrency left; run this again later',
}

/** Errors before anything was sent. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'CredentialsProviderError'])

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
