import { afterAll, expect, inject } from 'vitest'
import { migratorPassword } from '../infra/local/postgres/migrator-role.ts'

/** What no log line of any test may hold: the database passwords, signatures of URLs, session tokens. */
const { postgresUrl } = inject('aurora')
const SECRETS = [
  migratorPassword(postgresUrl),
  decodeURIComponent(new URL(postgresUrl).password),
  'X-Amz-Signature=',
  'X-Amz-Security-Token=',
].filter((secret) => secret !== '')

const leaks: string[] = []

function look(text: string): void {
  if (SECRETS.some((secret) => text.includes(secret))) leaks.push(text)
}

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    look(String(args[0]))
    return write(...args)
  }
}
for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  const write = console[method].bind(console)
  console[method] = (...args: unknown[]) => {
    look(args.map(String).join(' '))
    write(...args)
  }
}

afterAll(() => {
  expect(leaks, 'output with a secret in it').toEqual([])
})
