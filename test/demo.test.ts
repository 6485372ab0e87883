import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'aurora-demo-'))
  // PostgreSQL runs as another user when this is run as root.
  await chmod(directory, 0o755)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** Starts what `npm start` starts. */
function start() {
  const args = ['--conditions=aurora-migrations-source', 'infra/demo.ts', '--directory', directory]
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output }))
  return { kill: () => child.kill('SIGKILL'), ended }
}

describe('npm start', () => {
  test('works after it was killed at any moment of it, and then has nothing to do', async () => {
    for (const delay of [200, 600, 1_000, 1_400, 1_800, 2_400]) {
      const killed = start()
      await sleep(delay)
      killed.kill()
      await killed.ended
    }
    const first = await start().ended
    expect(first).toMatchObject({ code: 0 })
    expect(first.output).toMatch(/(to|at) 1ce7873ac4ced2/)
    const second = await start().ended
    expect(second).toMatchObject({ code: 0 })
    expect(second.output).toContain('nothing to do: at 1ce7873ac4ced2')
  }, 90_000)
})
