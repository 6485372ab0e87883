import type { Operation } from '../calls.ts'
import { validationError } from '../service-error.ts'
import type { FaultKind, FaultRule } from './faults.ts'

const words = [
  'cut-before',
  'cut-after',
  'throttle',
  'statement-timeout',
  'transaction-expired',
  'password-rejected',
  'kill-backend',
  'freeze',
] as const

const operations: readonly Operation[] = [
  'BeginTransaction',
  'CommitTransaction',
  'RollbackTransaction',
  'ExecuteStatement',
  'BatchExecuteStatement',
  'GetSecretValue',
]

const members = ['database', 'nth', 'operation', 'sqlPattern', 'times', 'kind']

/** Reads a fault rule sent as JSON to the admin route. */
export function parseFaultRule(json: Readonly<Record<string, unknown>>): FaultRule {
  for (const member of Object.keys(json)) {
    if (!members.includes(member)) {
      throw validationError(`Unknown member ${member}: use ${members.join(', ')}`)
    }
  }
  const { database, nth, operation, sqlPattern, times } = json
  const known = operations.find((candidate) => candidate === operation)
  if (operation !== undefined && known === undefined) {
    throw validationError(`operation is ${String(operation)}: use ${operations.join(', ')}`)
  }
  return {
    kind: parseKind(json.kind),
    ...(database === undefined ? {} : { database: text('database', database) }),
    ...(nth === undefined ? {} : { nth: count('nth', nth) }),
    ...(known === undefined ? {} : { operation: known }),
    ...(sqlPattern === undefined ? {} : { sqlPattern: pattern(sqlPattern) }),
    ...(times === undefined ? {} : { times: count('times', times) }),
  }
}

function parseKind(value: unknown): FaultKind {
  const word = words.find((candidate) => candidate === value)
  if (word !== undefined) return word
  const { status, when, resuming, delay, late } = Object(value) as Record<string, unknown>
  if (typeof resuming === 'number' && resuming > 0) return { resuming }
  if (typeof delay === 'number' && delay >= 0) return { delay }
  if (typeof late === 'number' && late > 0) return { late }
  if (
    (status === 500 || status === 503 || status === 504) &&
    (when === 'before' || when === 'after')
  ) {
    return { status, when }
  }
  throw validationError(
    `kind is ${JSON.stringify(value)}: use one of ${words.join(', ')}, {"resuming": seconds}, ` +
      '{"delay": ms}, {"late": ms} or {"status": 500|503|504, "when": "before"|"after"}',
  )
}

function text(member: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw validationError(`${member} is ${JSON.stringify(value)}: use a string`)
}

function pattern(value: unknown): string {
  const source = text('sqlPattern', value)
  try {
    return new RegExp(source).source
  } catch {
    throw validationError(`sqlPattern is ${source}: use a regular expression`)
  }
}

function count(member: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value
  throw validationError(`${member} is ${JSON.stringify(value)}: use a whole number from 1`)
}
