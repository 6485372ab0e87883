import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { leaks } from './no-secrets.ts'
import { CREDENTIALS, SIGNATURE } from './secret-texts.ts'

const PRINTING = ['-e', 'process.stdout.write(process.env.PRINTED)']
const environment = (PRINTED: string) => ({ env: { ...process.env, PRINTED } })

test.each([
  ['a response URL', `https://cloudformation-custom-resource.s3/?${SIGNATURE}`],
  ['a session token', CREDENTIALS.sessionToken],
  ['the password in a URL', 'postgresql://postgres:of-a-local-aurora@127.0.0.1/postgres'],
  ['the password in a secret', JSON.stringify({ username: 'migrator', password: 'of a secret' })],
])('a process that a test starts and that prints %s is found out', async (_what, secret) => {
  expect(leaks.splice(0)).toEqual([])
  const child = spawn(process.execPath, PRINTING, environment(secret))
  await once(child, 'close')
  expect(leaks.splice(0)).toEqual([secret])
  const { stdout } = await promisify(execFile)(process.execPath, PRINTING, environment(secret))
  expect([stdout, ...leaks.splice(0)]).toEqual([secret, secret])
})

test('a process that prints nothing secret is not', async () => {
  const text = 'postgresql://postgres@127.0.0.1/postgres has no "password"'
  await promisify(execFile)(process.execPath, PRINTING, environment(text))
  expect(leaks).toEqual([])
})
