import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { AuroraFolder, recall, remember } from './aurora-folder.ts'
import { AuroraProcess, childrenOf, isRunning, serverPid } from './aurora-process.ts'

/** A process with the remembered row in its database. */
async function startProcess(folder: AuroraFolder): Promise<AuroraProcess> {
  const aurora = await folder.start()
  await remember(aurora)
  await aurora.stop()
  return new AuroraProcess(['--directory', folder.directory]).ready()
}

describe('after kill -9', () => {
  test('of our process the server ends by itself, and the next start has everything', async () => {
    const folder = new AuroraFolder()
    const killed = await startProcess(folder)
    await killed.end('SIGKILL')
    await using aurora = await folder.start()
    expect(await recall(aurora)).toBe(42)
  })

  test('of our process and its watchdog the next start stops the orphan', async () => {
    const folder = new AuroraFolder()
    const killed = await startProcess(folder)
    const orphan = serverPid(folder.data) ?? 0
    for (const pid of childrenOf(killed.pid)) if (pid !== orphan) process.kill(pid, 'SIGKILL')
    await killed.end('SIGKILL')
    await sleep(300)
    expect(isRunning(orphan)).toBe(true)
    await using aurora = await folder.start()
    expect(isRunning(orphan)).toBe(false)
    expect(await recall(aurora)).toBe(42)
  })

  test('of an orphan that hangs the next start does not wait for it', async () => {
    const folder = new AuroraFolder()
    const killed = await startProcess(folder)
    const orphan = serverPid(folder.data) ?? 0
    for (const pid of childrenOf(killed.pid)) if (pid !== orphan) process.kill(pid, 'SIGKILL')
    await killed.end('SIGKILL')
    process.kill(orphan, 'SIGSTOP')
    await using aurora = await folder.start()
    expect(isRunning(orphan)).toBe(false)
    expect(await recall(aurora)).toBe(42)
  }, 60_000)

  test('of the server alone the next start recovers', async () => {
    const folder = new AuroraFolder()
    const killed = await startProcess(folder)
    process.kill(serverPid(folder.data) ?? 0, 'SIGKILL')
    await killed.end('SIGKILL')
    await using aurora = await folder.start()
    expect(await recall(aurora)).toBe(42)
  })

  test('of everything at once the next start recovers', async () => {
    const folder = new AuroraFolder()
    const killed = await startProcess(folder)
    for (const pid of childrenOf(killed.pid)) process.kill(pid, 'SIGKILL')
    await killed.end('SIGKILL')
    expect(existsSync(join(folder.data, 'postmaster.pid'))).toBe(true)
    await using aurora = await folder.start()
    expect(await recall(aurora)).toBe(42)
  })

  test('a process id that is somebody else by now is left alone', async () => {
    const folder = new AuroraFolder()
    await (await folder.start()).stop()
    writeFileSync(join(folder.data, 'postmaster.pid'), `${process.pid}\n${folder.data}\n`)
    const lock = { pid: process.pid, endpoint: 'http://127.0.0.1:9', identity: 'gone' }
    writeFileSync(join(folder.directory, 'lock'), JSON.stringify(lock))
    await using aurora = await folder.start()
    await remember(aurora)
  })
})
