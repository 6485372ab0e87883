import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import { newDatabase, testAurora } from '../local-aurora.ts'
import { tableRevision } from '../runner-fixture.ts'
import { capturedOutput, passwordOf } from './captured-output.ts'
import { HostileStrings } from './hostile-strings.ts'

const EVENTS = 10_000
const STATUSES = ['succeeded', 'failed', 'incomplete', 'unknown']

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

test(`${EVENTS} events are each a report or a clear error, and no call when they are not valid`, async () => {
  const database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  const output = capturedOutput()
  const password = await passwordOf(aurora.secretArn)
  const invoke = createInvoke([tableRevision('abc1', null), tableRevision('abd2', 'abc1')])
  const kinds = new Map<string, number>()
  const random = new EventSource(11)
  for (let i = 0; i < EVENTS; i += 1) {
    const event = random.event()
    const before = aurora.calls.all.length
    const response = (await invoke(event)) as {
      status: string
      error?: { kind: string; message: string }
    }
    const kind = response.error?.kind ?? response.status
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    expect(STATUSES, JSON.stringify(event)).toContain(response.status)
    if (response.status === 'failed') expect(response.error?.message).toMatch(/\S{3}/)
    expect(response.error?.message ?? '').not.toMatch(/[\r\n]/)
    expect(JSON.stringify(response)).not.toContain(password)
    if (kind === 'BadRequest') expect(aurora.calls.all.length, JSON.stringify(event)).toBe(before)
    if (aurora.calls.all.length > 10_000) aurora.calls.clear()
    if (/^(?:Type|Range|Reference|Syntax)?Error$/.test(kind)) {
      throw new Error(`${JSON.stringify(event)} crashed: ${response.error?.message}`)
    }
  }
  vi.restoreAllMocks()
  expect(output.join('')).not.toContain(password)
  console.log(`${EVENTS} events: ${JSON.stringify(Object.fromEntries(kinds))}`)
  expect(kinds.get('succeeded')).toBeGreaterThan(100)
  expect(kinds.get('BadRequest')).toBeGreaterThan(EVENTS / 2)
})

/** Events near the valid ones and far from them, as JSON would carry them. */
class EventSource {
  readonly #strings: HostileStrings
  #state: number

  constructor(seed: number) {
    this.#strings = new HostileStrings(seed)
    this.#state = seed
  }

  event(): unknown {
    if (this.#below(12) === 0) return this.#anything(3)
    const event: Record<string, unknown> = { command: this.#command() }
    for (const key of ['target', 'purge', 'limit', 'tarot', '__proto__', 'constructor', '']) {
      if (this.#below(key === 'target' ? 2 : 8) > 0) continue
      Object.defineProperty(event, key, { value: this.#value(key), enumerable: true })
    }
    return JSON.parse(JSON.stringify(event))
  }

  #command(): unknown {
    const commands = ['upgrade', 'downgrade', 'stamp', 'current', 'history', 'heads']
    return this.#below(6) === 0 ? this.#anything(1) : this.#one(commands)
  }

  #value(key: string): unknown {
    if (this.#below(3) === 0) return this.#anything(2)
    if (key === 'purge') return this.#below(2) === 0
    if (key === 'limit') return this.#one([1, 50, 1000, 0, -1, 1001, 1.5, 1e308])
    return this.#one([
      'head',
      'heads',
      'base',
      '+1',
      '-1',
      '-2',
      'abc1',
      'abd2',
      'abc',
      'ab',
      'abc1+1',
      'heads-1',
      'x@head',
      ['abc1', 'abd2'],
      'abc1:abd2',
      this.#strings.value(),
      [this.#strings.value()],
      `abc1${this.#strings.value()}`,
    ])
  }

  #anything(depth: number): unknown {
    const kind = this.#below(depth > 0 ? 9 : 7)
    if (kind === 0) return null
    if (kind === 1) return this.#below(2) === 0
    if (kind === 2) return this.#one([0, -1, 1e21, 0.1])
    if (kind === 3) return ''
    if (kind < 7) return this.#strings.value()
    const items = Array.from({ length: this.#below(4) }, () => this.#anything(depth - 1))
    if (kind === 7) return items
    return Object.fromEntries(items.map((item) => [this.#strings.value(), item]))
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * limit)
  }
}
