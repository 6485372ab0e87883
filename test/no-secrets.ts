import { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'
import { afterAll, expect, inject } from 'vitest'
import { migratorPassword } from '../infra/local/postgres/migrator-role.ts'
import { CREDENTIALS, SIGNATURE } from './secret-texts.ts'

/**
 * What no test and no process that a test starts may print: the passwords of the shared database and those of others
 * inside URLs and secrets, signatures of URLs (CloudFormation's response URL has one), temporary credentials.
 */
const { postgresUrl } = inject('aurora')
const SECRETS = [
  migratorPassword(postgresUrl),
  decodeURIComponent(new URL(postgresUrl).password),
  'X-Amz-Signature=',
  SIGNATURE,
  'X-Amz-Security-Token=',
  ...Object.values(CREDENTIALS),
].filter((secret) => secret !== '')
const SECRET_FORMS = /postgres(?:ql)?:\/\/[^\s:/@]+:[^\s/@]+@|"password\\*": *\\*"[^"]/

/** What was printed with a secret in it. */
export const leaks: string[] = []

function look(text: string): void {
  if (SECRET_FORMS.test(text) || SECRETS.some((secret) => text.includes(secret))) leaks.push(text)
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

/** Enough of what came before to see a secret that two chunks share. */
const TAIL = 500

/** Looks at what comes without asking for it: whoever reads the stream gets it as ever. */
function lookInto(stream: Readable): void {
  const push = stream.push.bind(stream)
  let tail = ''
  stream.push = (chunk: unknown, ...rest: [BufferEncoding?]) => {
    if (chunk !== null) {
      const text = tail + String(chunk)
      look(text)
      tail = text.slice(-TAIL)
    }
    return push(chunk, ...rest)
  }
}

// Every way to start a process and not wait for its end comes by here.
const prototype = ChildProcess.prototype as unknown as { spawn(options: unknown): unknown }
const { spawn } = prototype
prototype.spawn = function (this: ChildProcess, options) {
  const answer = spawn.call(this, options)
  for (const stream of [this.stdout, this.stderr]) if (stream) lookInto(stream)
  return answer
}

afterAll(() => {
  expect(leaks, 'output with a secret in it').toEqual([])
})
