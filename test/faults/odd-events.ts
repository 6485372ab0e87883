import fc from 'fast-check'
import { PIECES } from './hostile-strings.ts'

/** Text that breaks out of quotes and lines, and now and then very much of it. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map(joined) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom(...PIECES).map((piece) => piece.repeat(100_000)) },
)

function joined(pieces: readonly string[]): string {
  return pieces.join('')
}

const oddKey = fc.constantFrom('__proto__', 'constructor', 'toString', 'length', '', 'target')

/** A value of any type. */
export const oddValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    hostileText,
    fc.constantFrom(null, true, false, '', 0, -1, 0.1, 1e21, 1e308, Number.NaN, -Infinity),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(hostileText, oddKey), tie('value'), { maxKeys: 3 }),
  ),
})).value

interface Change {
  /** Which place of the event, counted round. */
  readonly place: number
  readonly how: 'leave out' | 'replace' | 'add'
  readonly key: string
  readonly value: unknown
}

const change: fc.Arbitrary<Change> = fc.record({
  place: fc.nat(),
  how: fc.constantFrom('leave out' as const, 'replace' as const, 'add' as const),
  key: fc.oneof(oddKey, hostileText),
  value: oddValue,
})

/** Events near the valid ones, changed in up to three places, and some that are nothing like them. */
export function oddEvents(valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const changed = fc
    .tuple(valid, fc.array(change, { maxLength: 3 }))
    .map(([event, changes]) => changes.reduce(withChange, structuredClone(event)))
  return fc.oneof(
    { weight: 19, arbitrary: changed },
    { weight: 1, arbitrary: fc.oneof(oddValue, fc.constant(undefined)) },
  )
}

type Keys = Record<string, unknown>

function withChange(event: unknown, { place, how, key, value }: Change): unknown {
  const places = placesOf(event)
  const found = places[place % places.length]
  if (found === undefined) return value
  const [holder, name] = found
  if (how === 'leave out') delete holder[name]
  // As JSON.parse would: an own property even when it is named __proto__.
  else Object.defineProperty(holder, how === 'add' ? key : name, { value, ...PLAIN })
  return event
}

const PLAIN = { enumerable: true, writable: true, configurable: true }

/** Every key of every object in it. */
function placesOf(value: unknown): [Keys, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  const holder = value as Keys
  return Object.keys(holder).flatMap((name) => [[holder, name], ...placesOf(holder[name])])
}
