import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { OutOfTime, stopTime, untilTime } from '../../lambda/run/step-time.ts'

describe('the time to stop', () => {
  test.each([
    ['15 minutes', 900_000, 60_000],
    ['5 minutes', 300_000, 30_000],
    ['30 seconds', 30_000, 5_000],
    ['nothing', 0, 5_000],
  ])('of %s leaves enough for the last statement and its rollback', (_, left, reserve) => {
    expect(stopTime(1_000_000 + left, 1_000_000)).toBe(1_000_000 + left - reserve)
  })

  test('of a run without an end never comes', async () => {
    const never = stopTime(Number.POSITIVE_INFINITY)
    expect(never).toBe(Number.POSITIVE_INFINITY)
    expect(await untilTime(never, () => sleep(20, 'done'))).toBe('done')
  })
})

describe('work', () => {
  test('answers what it answers, and fails as it fails', async () => {
    const later = Date.now() + 10_000
    expect(await untilTime(later, () => 1)).toBe(1)
    await expect(untilTime(later, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  test('that takes too long is stopped, and what becomes of it later is nobody’s error', async () => {
    const work = () =>
      sleep(60).then(() => {
        throw new Error('too late')
      })
    await expect(untilTime(Date.now() + 20, work)).rejects.toThrow(OutOfTime)
    await sleep(80)
  })
})
