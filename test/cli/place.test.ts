import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { runScript } from '../sql-script.ts'
import { cliHere } from './cli-here.ts'
import { CliProcess, cli, ROOT } from './cli-process.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let aurora: LocalAurora
let database: string
let migrations: string
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())
beforeEach(async () => {
  database = await newDatabase(aurora)
  migrations = await mkdtemp(path.join(ROOT, '.aurora-test-'))
  await writeRevision('a', null)
  await writeRevision(
    'b',
    'a',
    "await op.query('select pg_advisory_xact_lock(42)::text as locked')",
  )
  await writeRevision('c', 'b')
})
afterEach(() => rm(migrations, { recursive: true, force: true }))

async function writeRevision(id: string, down: string | null, more = ''): Promise<void> {
  const text = `import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  revision: '${id}',
  downRevision: ${down === null ? null : `'${down}'`},
  doc: 'create ${id}',
  async upgrade(op) {
    await op.execute('create table t_${id} (id integer)')
    ${more}
  },
  async downgrade(op) {
    await op.execute('drop table t_${id}')
  },
})
`
  await writeFile(path.join(migrations, `${id}.ts`), text)
}

/** What a person with credentials for the cluster has. */
function credentials(): Record<string, string> {
  const { CLUSTER_ARN: _, SECRET_ARN: __, DATABASE: ___, ...env } = aurora.environment(database)
  return env
}

const onCluster = (...args: readonly string[]) => [
  ...args,
  ...['--migrations', migrations, '--cluster-arn', aurora.clusterArn],
  ...['--secret-arn', aurora.secretArn, '--database', database],
]

describe('with one’s own credentials', () => {
  test('a database is upgraded through the Data API, and the history says by whom', async () => {
    const { code, stdout, stderr } = await cli(onCluster('upgrade'), credentials())
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'from base to c\n' })
    expect(
      stderr.match(/^upgrade \w, create \w \(\d+ ms, \d statements?, 0 rows\)$/gm),
    ).toHaveLength(3)
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      "select distinct source, who, checksum like 'sha256/esbuild-%' as checksum, bundle_hash is not null as hash from alembic_version_history",
    )
    expect(rows).toEqual([{ source: 'cli', who: 'ada', checksum: true, hash: true }])
  })

  test('Ctrl-C ends the run after the revision at work, and says what is committed', async () => {
    const client = await connect(aurora, database)
    await client.query('select pg_advisory_lock(42)')
    const running = new CliProcess(onCluster('upgrade'), credentials())
    await running.printed('upgrade a, create a')
    await waitsForLock()
    running.child.kill('SIGINT')
    await running.printed('stopping after the revision at work')
    await client.query('select pg_advisory_unlock(42)')
    const { code, stdout, stderr } = await running.result()
    expect({ code, stdout }).toEqual({
      code: 3,
      stdout: 'from base to b\nnot finished: left are c; the same command goes on\n',
    })
    expect(stderr).toContain('upgrade b, create b')
    expect(await versionRows()).toEqual(['b'])
  })

  test('a second Ctrl-C leaves at once, and nothing of the revision at work stays', async () => {
    const client = await connect(aurora, database)
    await client.query('select pg_advisory_lock(42)')
    const running = new CliProcess(onCluster('upgrade'), credentials())
    await running.printed('upgrade a, create a')
    await waitsForLock()
    running.child.kill('SIGINT')
    await running.printed('stopping after the revision at work')
    running.child.kill('SIGINT')
    const { code, stderr } = await running.result()
    expect(code).toBe(4)
    expect(stderr).toContain(
      'left: what was at work is rolled back by the database within 3 minutes; see current\n',
    )
    expect(await versionRows()).toEqual(['a'])
  })

  /** Until the second revision waits for the lock that the test holds. */
  async function waitsForLock(): Promise<void> {
    const client = await connect(aurora, database)
    for (;;) {
      const { rows } = await client.query(
        "select from pg_locks where locktype = 'advisory' and not granted",
      )
      if (rows.length > 0) return
    }
  }

  async function versionRows(): Promise<string[]> {
    const client = await connect(aurora, database)
    const { rows } = await client.query('select version_num from alembic_version')
    return rows.map(({ version_num }) => String(version_num))
  }
})

describe('a revision that fails', () => {
  const SQL = "await op.execute(`select 1,\\n  '字', nope\\nfrom t_b`)"

  test('is one line where nobody looks on, and the report has its place', async () => {
    await writeRevision('b', 'a', SQL)
    const { code, stdout, stderr } = await cli(onCluster('upgrade', '--json'), credentials())
    expect(code).toBe(1)
    expect(stderr.split('\n').slice(1)).toEqual([
      expect.stringMatching(
        /^error: upgrade of b \(create b\) failed at b\.ts:9: column "nope" does not exist \(SQLSTATE 42703\); statement: /,
      ),
      '',
    ])
    const { error } = JSON.parse(stdout)
    expect(error).toMatchObject({ file: 'b.ts', line: 9, position: 18 })
    expect(error).not.toHaveProperty('stack')
  })

  test('shows the SQL at fault on a terminal, with a caret below the place', async () => {
    await writeRevision('b', 'a', SQL)
    const running = new CliProcess(onCluster('upgrade'), credentials(), { terminal: true })
    const { stdout } = await running.result()
    expect(stdout.replaceAll('\r', '')).toContain(
      "nothing of it is committed\nLINE 2:   '字', nope\n                ^\n",
    )
  })

  test('shows its stack with --verbose, with the files of the project and no others', async () => {
    await writeRevision('b', 'a', "JSON.parse('{')")
    const verbose = await cli(onCluster('upgrade', '--verbose', '--json'), credentials())
    const lines = verbose.stderr.split('\n').slice(1)
    expect(lines).toEqual([
      expect.stringMatching(
        /^error: upgrade of b \(create b\) failed at b\.ts:9: Expected property/,
      ),
      expect.stringMatching(/^SyntaxError: Expected property name/),
      expect.stringMatching(/^ {4}at \S*upgrade \(b\.ts:9:\d+\)$/),
      '',
    ])
    expect(JSON.parse(verbose.stdout).error.stack.split('\n')).toEqual(lines.slice(1, -1))
  })
})

describe('without a database', () => {
  test('a script is printed as it is, and runs', async () => {
    await writeRevision('b', 'a')
    const { code, stdout, stderr } = await cli([
      'upgrade',
      'base:c',
      '--sql',
      '--migrations',
      migrations,
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^-- upgrade base:c, written by aurora-migrations; run it with\n-- {3}psql -v ON_ERROR_STOP=1 -f FILE\n/,
    )
    expect(await runScript(aurora, database, stdout)).toEqual({ code: 0, message: '' })
    const client = await connect(aurora, database)
    const { rows } = await client.query(
      'select distinct who, source, checksum is not null as checksum from alembic_version_history',
    )
    expect(rows).toEqual([{ who: 'ada', source: 'offline', checksum: true }])
  })

  test('a revision that needs rows is named with its line, and nothing is printed', async () => {
    const { code, stdout, stderr } = await cli([
      'upgrade',
      'a:b',
      '--sql',
      '--migrations',
      migrations,
    ])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^error: upgrade of b \(create b\) failed: the statement at b\.ts:9 has to answer rows, .*\n$/,
    )
  })

  test.each([
    [
      'does not compile',
      'export default {',
      /^error: \S+\/d\.ts:1:17: Expected identifier but found end of file\n$/,
    ],
    [
      'exports nothing',
      "export const revision = 'd'",
      /^error: \S+\/d\.ts exports no revision: write export default defineRevision\(\{ … \}\), or move a file that is none into a folder of its own\n$/,
    ],
    [
      'throws when it is loaded',
      "throw new Error('too early')\nexport default {}",
      /^error: the revisions of .* cannot be loaded at d\.ts:1: too early\n$/,
    ],
    [
      'has no parent',
      "import { defineRevision } from 'aurora-migrations'\nexport default defineRevision({ revision: 'd', downRevision: 'nobody', doc: 'd', upgrade() {}, downgrade: null })",
      /^error: Revision 'nobody' referenced from downRevision of d \(d\.ts\) is not present; .*\n$/,
    ],
  ])('a revision file that %s is refused in one line', async (_, text, message) => {
    await writeFile(path.join(migrations, 'd.ts'), text)
    const { code, stdout, stderr } = await cli(['heads', '--migrations', migrations])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  test.each([
    ['upgrade'],
    ['upgrade base:heads --sql'],
    ['downgrade base --yes'],
    ['downgrade d:base --sql'],
    ['stamp heads'],
    ['current'],
    ['check'],
    ['heads'],
    ['history'],
    ['build --out NEW'],
    ['revision -m more'],
  ])('a revision without its downgrade is refused by %s, and nothing is started', async (line) => {
    await writeFile(
      path.join(migrations, 'd.ts'),
      "export default { revision: 'd', downRevision: 'c', doc: 'd', async upgrade() {} }",
    )
    const out = path.join(migrations, 'out')
    const args = line.split(' ').map((word) => (word === 'NEW' ? out : word))
    const { code, stdout, stderr } = await cliHere([...args, '--migrations', migrations])
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'error: revision d (d.ts) has no downgrade: write downgrade(op) { … }, or downgrade: null if it cannot be taken back\n',
    })
    await expect(stat(out)).rejects.toThrow('ENOENT')
  })
})

test('local Aurora is where a command runs when nothing else is said', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'aurora-cli-'))
  await chmod(directory, 0o755)
  try {
    const { code, stdout } = await cli([
      'upgrade',
      'a',
      '--migrations',
      migrations,
      '--directory',
      directory,
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'from base to a\n' })
    const current = await cli([
      'current',
      '-v',
      '--migrations',
      migrations,
      '--directory',
      directory,
    ])
    expect(current).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Current revision\(s\) for database demo of local Aurora:\nRev: a\n/,
      ),
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
