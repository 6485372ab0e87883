import { describe, expect, test } from 'vitest'
import type { StatementError } from '../../lambda/data-api/errors.ts'
import { type RetryPolicy, retryCall } from '../../lambda/data-api/retry.ts'
import {
  BUSY,
  CUT,
  DUPLICATE,
  KILLED,
  RAISED,
  RESUMING,
  ROTATED,
  THROTTLED,
} from './service-errors.ts'

/** How often a call is sent that fails once with the error. */
async function sends(error: StatementError, harmless: boolean, policy: RetryPolicy = {}) {
  let count = 0
  const call = async () => {
    count += 1
    if (count === 1) throw error
    return 'done'
  }
  await retryCall(call, policy, { harmless }).catch(() => undefined)
  return count
}

describe('a call that failed is sent again', () => {
  test.each([
    ['resuming', RESUMING, 2, 2],
    ['throttled', THROTTLED, 2, 2],
    ['busy with an earlier call', BUSY, 2, 2],
    ['a password being rotated', ROTATED, 2, 2],
    ['a socket that was cut', CUT, 2, 1],
    ['a connection that was ended', KILLED, 2, 1],
    ['an error of PostgreSQL', DUPLICATE, 1, 1],
    ['an error that a function raised with a code of ours', RAISED, 1, 1],
  ])('after %s', async (_what, error, harmless, writing) => {
    expect(await Promise.all([sends(error, true), sends(error, false)])).toEqual([
      harmless,
      writing,
    ])
  })

  test('never past the deadline', async () => {
    expect(await sends(RESUMING, true, { deadline: Date.now() + 100 })).toBe(1)
  })
})

test('a password that stays refused names the secret and its version', async () => {
  const policy = { passwordMs: 400, secret: () => 'the secret arn:x (version 7)' }
  const call = () => Promise.reject(ROTATED)
  await expect(retryCall(call, policy, { harmless: true })).rejects.toThrow(
    'password authentication failed for user "x" (SQLSTATE 28P01); the secret arn:x (version 7) does not hold the password of the database user: let its rotation finish, or put the right password into it',
  )
})
