import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LocalAurora } from '../../infra/local/local-aurora.ts'
import { upgrade } from '../../lambda/commands.ts'
import { createInvoke } from '../../lambda/handlers/index.ts'
import { connect, newDatabase, testAurora } from '../local-aurora.ts'
import { revision, tableRevision, testContext } from '../runner-fixture.ts'
import { cliHere } from './cli-here.ts'
import { type CliResult, cli } from './cli-process.ts'
import { FUNCTION, type FunctionStandIn, functionStandIn } from './function-stand-in.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

let aurora: LocalAurora
let database: string
let lambda: FunctionStandIn
beforeAll(async () => {
  aurora = await testAurora()
  database = await newDatabase(aurora)
})
afterAll(() => aurora.stop())
beforeEach(async () => {
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
  lambda = await functionStandIn(createInvoke(REVISIONS))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await lambda[Symbol.asyncDispose]()
})

const nothing = async () => {}

/** A line that forks and joins again, and a branch of its own that depends on it. */
const REVISIONS = [
  { ...tableRevision('27c6a30d7c24', null), doc: 'create shop' },
  { ...tableRevision('1975ea83b712', '27c6a30d7c24'), doc: 'add cart', branchLabels: ['cart'] },
  { ...tableRevision('ae1027a6acf0', '27c6a30d7c24'), doc: 'add stock' },
  {
    ...revision('53fffde5ad5', ['1975ea83b712', 'ae1027a6acf0'], nothing, nothing),
    doc: 'join both',
  },
  { ...tableRevision('3cac04ae8714', null), doc: 'audit', branchLabels: ['audit'] },
  {
    ...tableRevision('109ec7d132bf', '3cac04ae8714'),
    doc: 'audit carts\nand what is in them',
    dependsOn: ['53fffde5ad5'],
    file: '109ec7d132bf_audit_carts.ts',
  },
]

function run(...args: readonly string[]): Promise<CliResult> {
  return cli([...args, '--function', FUNCTION], lambda.environment)
}

async function printed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

describe('what is printed of a graph with merges', () => {
  test('by heads', async () => {
    expect(await printed('heads')).toBe(
      '53fffde5ad5 (cart) (effective head)\n109ec7d132bf (audit) (head)\n',
    )
    expect(await printed('heads', '--resolve-dependencies')).toBe('109ec7d132bf (audit) (head)\n')
  })

  test('by branches', async () => {
    expect(await printed('branches')).toBe(`27c6a30d7c24 (branchpoint)
             -> 1975ea83b712 (cart)
             -> ae1027a6acf0

`)
    expect(await printed('branches', '-v')).toBe(`Rev: 27c6a30d7c24 (branchpoint)
Parent: <base>
Branches into: 1975ea83b712, ae1027a6acf0

    create shop

             -> 1975ea83b712 (cart), add cart
             -> ae1027a6acf0, add stock

`)
  })

  test('by history', async () => {
    expect(
      await printed('history'),
    ).toBe(`3cac04ae8714 (53fffde5ad5) -> 109ec7d132bf (audit) (head), audit carts
<base> -> 3cac04ae8714 (audit), audit
1975ea83b712, ae1027a6acf0 -> 53fffde5ad5 (cart) (effective head) (mergepoint), join both
27c6a30d7c24 -> 1975ea83b712 (cart), add cart
27c6a30d7c24 -> ae1027a6acf0, add stock
<base> -> 27c6a30d7c24 (branchpoint), create shop
`)
    expect(
      await printed('history', '-r', '27c6:53ff'),
    ).toBe(`1975ea83b712, ae1027a6acf0 -> 53fffde5ad5 (cart) (effective head) (mergepoint), join both
27c6a30d7c24 -> 1975ea83b712 (cart), add cart
27c6a30d7c24 -> ae1027a6acf0, add stock
<base> -> 27c6a30d7c24 (branchpoint), create shop
`)
  })

  test('by show', async () => {
    expect(await printed('show', '53ff')).toBe(`Rev: 53fffde5ad5 (head) (mergepoint)
Merges: 1975ea83b712, ae1027a6acf0
Branch names: cart

    join both

`)
    expect(await printed('show', 'audit@head')).toBe(`Rev: 109ec7d132bf (head)
Parent: 3cac04ae8714
Also depends on: 53fffde5ad5
Branch names: audit
Path: ./109ec7d132bf_audit_carts.ts

    audit carts
    and what is in them

`)
  })
})

describe('what is printed of a database', () => {
  beforeAll(async () => {
    const context = () => testContext(aurora, database, REVISIONS, { runId: 'f00dcafe-1' })
    await upgrade(context(), 'cart')
    const broken = REVISIONS.map((each) =>
      each.revision === 'ae1027a6acf0'
        ? { ...each, upgrade: (op: Parameters<typeof each.upgrade>[0]) => op.execute('nonsense') }
        : each,
    )
    await upgrade(testContext(aurora, database, broken, { runId: 'badcafe0-1' }))
  })

  test('by current', async () => {
    expect(await printed('current')).toBe('1975ea83b712\n')
    expect(await printed('current', '-v')).toBe(`Current revision(s) for function shop-migrations:
Rev: 1975ea83b712
Parent: 27c6a30d7c24
Branch names: cart

    add cart

`)
    expect(await run('current', '--check-heads')).toEqual({
      code: 1,
      stdout: '1975ea83b712\n',
      stderr: 'error: Database is not on all head revisions: run upgrade\n',
    })
  })

  test('by history with the current revision marked, and ranges from it', async () => {
    expect(
      await printed('history', '-i', '-r', ':cart'),
    ).toBe(`27c6a30d7c24 -> 1975ea83b712 (cart) (current), add cart
<base> -> 27c6a30d7c24 (branchpoint), create shop
`)
    expect(
      await printed('history', '-r', 'current:53ff'),
    ).toBe(`1975ea83b712, ae1027a6acf0 -> 53fffde5ad5 (cart) (effective head) (mergepoint), join both
27c6a30d7c24 -> 1975ea83b712 (cart), add cart
`)
    expect(await printed('show', 'current')).toContain('Rev: 1975ea83b712\n')
  })

  test('by history --runs, failures included', async () => {
    const text = (await printed('history', '--runs'))
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'WHEN')
      .replace(/ +\d+ {2}a test/g, '  N  a test')
      .replace(/(\S) {2,}/g, '$1  ')
    expect(text).toBe(`when  run  what  revision  outcome  ms  who  doc
WHEN  badcafe0  upgrade  ae1027a6acf0  failed  N  a test (test)  add stock
    upgrade of ae1027a6acf0 (add stock) failed: syntax error at or near "nonsense" (SQLSTATE 42601); statement: nonsense; nothing of it is committed
WHEN  f00dcafe  upgrade  1975ea83b712  done  N  a test (test)  add cart
WHEN  f00dcafe  upgrade  27c6a30d7c24  done  N  a test (test)  create shop
`)
    expect((await printed('history', '--runs', '-n', '1')).split('\n')).toHaveLength(4)
  })

  test('by check', async () => {
    expect(await printed('check')).toBe(
      'no problems: function shop-migrations is at 1975ea83b712; upgrade applies ae1027a6acf0, 53fffde5ad5, 3cac04ae8714, 109ec7d132bf\n',
    )
    const client = await connect(aurora, database)
    await client.query("insert into alembic_version values ('f0f0f0f0f0f0')")
    const result = await run('check')
    await client.query("delete from alembic_version where version_num = 'f0f0f0f0f0f0'")
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toMatch(
      /^error: Can't locate revision identified by 'f0f0f0f0f0f0', which the version table holds; .*\n$/,
    )
  })

  test.each([
    [['heads'], { command: 'heads', revisions: [{ revision: '53fffde5ad5' }, {}] }],
    [['branches'], { revisions: [{ revision: '27c6a30d7c24', into: [{}, {}] }] }],
    [['show', 'head', '-v'], undefined],
    [['show', 'cart'], { revisions: [{ revision: '1975ea83b712', branchLabels: ['cart'] }] }],
    [['current'], { rows: ['1975ea83b712'], atHeads: false, unknown: [] }],
    [['history', '--runs', '-n', '1'], { runs: [{ outcome: 'failed' }] }],
    [['check'], { status: 'succeeded', pending: [{}, {}, {}, {}].map(() => expect.any(String)) }],
    [['ensure-version'], { created: false, table: '"public"."alembic_version"' }],
    [
      ['show', 'nowhere'],
      { status: 'failed', error: { kind: 'RevisionNotFound', nothingRun: true } },
    ],
  ])('by %j as JSON', async (args, expected) => {
    for (const [name, value] of Object.entries(lambda.environment)) vi.stubEnv(name, value)
    const { code, stdout } = await cliHere([...args, '--json', '--function', FUNCTION])
    if (expected === undefined) return expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject(expected)
    expect(code).toBe('error' in expected ? 2 : 0)
  })
})
