import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AuroraFolder } from './aurora-folder.ts'
import { AuroraProcess, serverPid } from './aurora-process.ts'

const root = process.getuid?.() === 0

/** A folder in which local Aurora has run. */
async function usedFolder(): Promise<AuroraFolder> {
  const folder = new AuroraFolder()
  await (await folder.start()).stop()
  return folder
}

describe('a directory that cannot be used is refused at once, in one line with the fix:', () => {
  test.each<[string, (folder: AuroraFolder) => void, (folder: AuroraFolder) => string]>([
    [
      'its password is lost',
      ({ directory }) => rmSync(join(directory, 'password')),
      ({ directory, data }) =>
        `${directory}/password is missing or empty, and ${data} opens only with the password in it: put it back, or remove ${directory} to start with empty databases`,
    ],
    [
      'its password is empty',
      ({ directory }) => writeFileSync(join(directory, 'password'), '\n'),
      ({ directory, data }) =>
        `${directory}/password is missing or empty, and ${data} opens only with the password in it: put it back, or remove ${directory} to start with empty databases`,
    ],
    [
      'its password is another one',
      ({ directory }) => writeFileSync(join(directory, 'password'), 'guessed\n'),
      ({ directory }) =>
        `the password in ${directory}/password is not the one of the data beside it: put the right one back, or remove the folder to start with empty databases`,
    ],
    [
      'the data have no PG_VERSION',
      ({ data }) => rmSync(join(data, 'PG_VERSION')),
      ({ data }) =>
        `${data} has no PG_VERSION, so it is no data directory of PostgreSQL, or not all of one: put back what is missing, or remove it to start empty`,
    ],
    [
      'a file is in the place of the data',
      ({ data }) => {
        rmSync(data, { recursive: true })
        writeFileSync(data, '')
      },
      ({ data }) =>
        `Local Aurora cannot use ${data}: it is no folder: move the file away, or choose another --directory (ENOTDIR)`,
    ],
    [
      'it is a file',
      ({ directory }) => {
        rmSync(directory, { recursive: true })
        writeFileSync(directory, '')
      },
      ({ directory }) =>
        `Local Aurora cannot use ${directory}: it is no folder: move the file away, or choose another --directory (EEXIST)`,
    ],
    [
      'a file is above it',
      ({ directory, project }) => {
        rmSync(directory, { recursive: true })
        rmSync(project, { recursive: true })
        writeFileSync(project, '')
      },
      ({ directory }) =>
        `Local Aurora cannot use ${directory}: it is no folder: move the file away, or choose another --directory (ENOTDIR)`,
    ],
    [
      'its lock is a folder',
      ({ directory }) => mkdirSync(join(directory, 'lock')),
      ({ directory }) =>
        `Local Aurora cannot use ${directory}/lock: it is a folder where a file should be: remove it, or choose another --directory (EISDIR)`,
    ],
  ])('%s', async (_, damage, message) => {
    const folder = await usedFolder()
    damage(folder)
    const started = Date.now()
    const error = await folder.start().catch((thrown: Error) => thrown)
    expect((error as Error).message).toBe(message(folder))
    expect(Date.now() - started).toBeLessThan(20_000)
    expect(serverPid(folder.data)).toBeUndefined()
  })

  test('a password that was lost is not replaced, so that it can be put back', async () => {
    const folder = await usedFolder()
    const file = join(folder.directory, 'password')
    rmSync(file)
    await expect(folder.start()).rejects.toThrow('is missing or empty')
    expect(existsSync(file)).toBe(false)
    expect(existsSync(join(folder.directory, 'lock'))).toBe(false)
  })
})

describe.runIf(root)('another user', () => {
  const user = { uid: 1, gid: 1 }

  test.each<[string, (folder: AuroraFolder) => void, (folder: AuroraFolder) => string]>([
    [
      'of a directory with a lock is told whose it is',
      ({ directory }) => {
        chmodSync(directory, 0o777)
        writeFileSync(join(directory, 'lock'), '{"pid":4194304}', { mode: 0o600 })
      },
      ({ directory }) =>
        `${directory}/lock belongs to another user (uid 0), whose local Aurora may run on this directory: choose another --directory, or have that one stopped and the lock removed`,
    ],
    [
      'of a directory with data is told that they are closed',
      ({ directory }) => chmodSync(directory, 0o777),
      ({ directory }) =>
        `Local Aurora cannot use ${directory}/password: it is closed to this user: open it, or choose another --directory (EACCES)`,
    ],
    [
      'who may not write is told so',
      ({ directory }) => chownSync(directory, 2, 2),
      ({ directory }) =>
        `Local Aurora cannot use ${directory}: it is closed to this user: open it, or choose another --directory (EACCES)`,
    ],
  ])('%s', async (_, prepare, message) => {
    const folder = await usedFolder()
    prepare(folder)
    const other = new AuroraProcess(['--directory', folder.directory], user)
    expect(await other.exit).toBe(2)
    expect(other.output).toBe(`error: ${message(folder)}\n`)
  })
})
