import { listed } from '../revisions/listed.ts'
import type { Report } from '../run/report.ts'

/** A CloudFormation response has 4,096 bytes for everything; what else is in it stays far below the rest. */
const MAX_BYTES = 1_500

/**
 * Why a deployment failed: one line of at most 1,500 bytes of JSON, with the log group and the fix at its end.
 *
 * A long message is cut in its middle: it begins with the revision and ends with SQLSTATE and statement.
 */
export function failureLine({ error, steps }: Report): string {
  const what = error?.message ?? 'the run failed without saying why'
  const before = steps.length > 0 ? `; applied before it: ${idsOf(steps)}` : ''
  const fix =
    error?.kind === 'MigrationError'
      ? `correct the revision${error.revision ? ` ${error.revision}` : ''} and deploy again`
      : 'deploy again when that is put right'
  return oneLine(what, `${before}; ${logGroup()}${fix}`)
}

/** What a log line tells beside the message, the whole statement among it. */
export function failureDetails({ error }: Report): Record<string, unknown> {
  if (error === undefined) return {}
  const { message: _, ...details } = error
  return details
}

/** Why a deployment that was still at work has failed. */
export function unfinishedLine({ steps, pending }: Report, minutes: number): string {
  return oneLine(
    `not finished in ${minutes} minutes: applied ${idsOf(steps)}; left ${listed(pending)}`,
    `; ${logGroup()}deploy again to go on from there, or run what takes long by hand before the next deployment`,
  )
}

/** Two of these and a line fit into a response of 4,096 bytes. */
const MAX_ROWS_BYTES = 1_000

/** Version rows as an attribute or output variable has them: with commas, each id whole; `base` for none. */
export function rowsText(ids: readonly string[]): string {
  let bytes = 0
  const fitting = ids.findIndex((id) => {
    bytes += jsonBytes(id) + 1
    return bytes > MAX_ROWS_BYTES
  })
  if (fitting < 0) return ids.join(',') || 'base'
  return `${ids.slice(0, fitting).join(',')} and ${ids.length - fitting} more`
}

/** `head`, cut in its middle as far as `tail` needs it. */
export function oneLine(head: string, tail = ''): string {
  const [first, last] = [clean(head), clean(tail)]
  const room = MAX_BYTES - jsonBytes(last)
  if (jsonBytes(first) <= room) return first + last
  const half = Math.floor((room - jsonBytes(' … ')) / 2)
  return `${fitting([...first], half)} … ${reversed(fitting([...first].reverse(), half))}${last}`
}

function clean(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trimEnd()
}

/** As many of the characters as fit. */
function fitting(characters: readonly string[], bytes: number): string {
  let left = bytes
  const cut = characters.findIndex((character) => {
    left -= jsonBytes(character)
    return left < 0
  })
  return characters.slice(0, cut < 0 ? undefined : cut).join('')
}

function reversed(text: string): string {
  return [...text].reverse().join('')
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2
}

function idsOf(steps: Report['steps']): string {
  return steps.length === 0 ? 'nothing' : listed(steps.map(({ revision }) => revision))
}

/** Where the whole story is. The provider framework names a log group too, made up from the function's name. */
function logGroup(): string {
  const name = process.env.AWS_LAMBDA_LOG_GROUP_NAME
  return name ? `log group ${name}; ` : ''
}
