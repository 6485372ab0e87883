import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { StatementError } from '../../lambda/data-api/errors.ts'
import { retryCall } from '../../lambda/data-api/retry.ts'
import { CUT, KILLED, RESUMING, ROTATED } from './service-errors.ts'

// A wait moves the clock and takes no time.
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => void vi.setSystemTime(Date.now() + ms),
}))

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** After how many seconds a call gives up that fails with what `errorAt` returns, or `done` when that is nothing. */
async function secondsOf(errorAt: (seconds: number) => StatementError | undefined) {
  const started = Date.now()
  const seconds = () => (Date.now() - started) / 1_000
  const call = async () => {
    const error = errorAt(seconds())
    if (error) throw error
    return 'done'
  }
  return await retryCall(call, {}, { harmless: true }).catch(seconds)
}

describe('an error is waited for', () => {
  test.each([
    ['resuming', RESUMING, 170, 180],
    ['a connection that was ended', KILLED, 170, 180],
    ['a socket that was cut', CUT, 9, 15],
    ['a password being rotated', ROTATED, 50, 60],
  ])('(%s) as long as the table says', async (_what, error, least, most) => {
    const seconds = await secondsOf(() => error)
    expect(seconds).toBeGreaterThan(least)
    expect(seconds).toBeLessThanOrEqual(most)
  })
})

describe('an outage whose errors change', () => {
  test.each([
    ['from a waking cluster to a cut socket', RESUMING, CUT],
    ['from an ended connection to a password being rotated', KILLED, ROTATED],
    ['from a cut socket to an ended connection', CUT, KILLED],
  ])('%s is waited for', async (_what, first, last) => {
    const errorAt = (seconds: number) => {
      if (seconds < 170) return seconds < 10 || seconds > 150 ? first : last
      return undefined
    }
    expect(await secondsOf(errorAt)).toBe('done')
  })

  test('is not waited for longer than the last of them', async () => {
    let count = 0
    const seconds = await secondsOf(() => (++count % 2 ? CUT : RESUMING))
    expect(seconds).toBeGreaterThan(170)
    expect(seconds).toBeLessThan(182)
  })
})
