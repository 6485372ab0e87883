import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { bundle } from '../infra/bundle.ts'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import type { InvokeResponse } from '../lambda/handlers/index.ts'
import type { ErrorReport } from '../lambda/run/report.ts'
import { newDatabase, testAurora } from './local-aurora.ts'

type Invoke = (event: unknown) => Promise<InvokeResponse>
type Files = Readonly<Record<string, string>>

let aurora: LocalAurora
beforeAll(async () => {
  aurora = await testAurora()
})
afterAll(() => aurora.stop())

let project: string
let out: string
beforeEach(async () => {
  project = await mkdtemp(path.join(process.cwd(), '.aurora-test-'))
  out = await mkdtemp(path.join(tmpdir(), 'aurora-places-'))
  const environment = aurora.environment(await newDatabase(aurora))
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const folder of [project, out]) await rm(folder, { recursive: true, force: true })
})

/** A revision whose `upgrade` begins on line 8, after types that the bundle does not hold. */
const revision = (
  upgrade: string,
  imports = '',
) => `import { defineRevision, sql } from 'aurora-migrations'
interface Tables {
  t: { id: number }
}
${imports}
export default defineRevision({
  revision: 'a1', downRevision: null, doc: 'x', downgrade: null,
  async upgrade(op) {
    void [sql, {} as Tables]
${upgrade}
  },
})
`

/** The error of the bundle that a Lambda loads. */
async function errorOf(files: Files, event: object = {}): Promise<ErrorReport> {
  const migrations = path.join(project, 'migrations')
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(migrations, name)
    await mkdir(path.dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  const { file } = await bundle({ migrations, out })
  const { invoke } = (await import(pathToFileURL(file).href)) as { readonly invoke: Invoke }
  const response = await invoke({ command: 'upgrade', ...event })
  expect(response.status).toBe('failed')
  return (response as { readonly error: ErrorReport }).error
}

describe('an error of JavaScript', () => {
  test('is named with the file and line of the revision, in the message and the report', async () => {
    const body = `    await op.execute('select 1')
    const rows = await op.query<{ n: number }>('select 1 as n')
    rows[1].n.toFixed()`
    expect(await errorOf({ 'a1_x.ts': revision(body) })).toEqual({
      kind: 'MigrationError',
      message:
        "upgrade of a1 (x) failed at a1_x.ts:12: Cannot read properties of undefined (reading 'n'); nothing of it is committed",
      revision: 'a1',
      direction: 'upgrade',
      file: 'a1_x.ts',
      line: 12,
    })
  })

  test('is named with the line of the revision where a file beside it or above it throws', async () => {
    const files = {
      'shared/rows.ts': `export function one(): never {\n  throw new TypeError('no rows')\n}`,
      '../two.ts': `import { one } from './migrations/shared/rows.ts'\nexport const two = () => one()`,
      'a1_x.ts': revision('    two()', "import { two } from '../two.ts'"),
    }
    const error = await errorOf(files, { verbose: true })
    expect(error).toMatchObject({ file: 'a1_x.ts', line: 10 })
    expect(error.message).toMatch(/^upgrade of a1 \(x\) failed at a1_x\.ts:10: no rows; /)
    expect(error.stack).toMatch(
      /^TypeError: no rows\n {4}at one \(shared\/rows\.ts:2:9\)\n {4}at two \(\.\.\/two\.ts:2:\d+\)\n {4}at \S*upgrade \(a1_x\.ts:10:5\)$/,
    )
  })

  test('is named by the innermost line of the project, after the revision awaited', async () => {
    const body = `    await op.execute('select 1')
    const wait = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      throw new Error('too late')
    }
    await wait()`
    expect(await errorOf({ 'a1_x.ts': revision(body) })).toMatchObject({ line: 13 })
  })

  test('has its causes in the stack, and no path outside the project', async () => {
    const body = `    try {
      JSON.parse('{')
    } catch (cause) {
      throw new Error('no settings', { cause })
    }`
    const { stack = '', message } = await errorOf(
      { 'a1_x.ts': revision(body) },
      { command: 'upgrade', verbose: true },
    )
    expect(message).toContain('failed at a1_x.ts:13: no settings; ')
    expect(stack.split('\n')).toEqual([
      'Error: no settings',
      expect.stringMatching(/^ {4}at .*upgrade \(a1_x\.ts:13:13\)$/),
      expect.stringMatching(/^caused by SyntaxError: Expected property name/),
      expect.stringMatching(/^ {4}at .*upgrade \(a1_x\.ts:11:\d+\)$/),
    ])
    for (const folder of [process.cwd(), out, tmpdir()]) expect(stack).not.toContain(folder)
  })

  test('of an operation that refuses its arguments is named with the line of the call', async () => {
    const body = `    await op.execute('select 1')
    await op.createIndex('i', 't', [])`
    expect(await errorOf({ 'a1_x.ts': revision(body) })).toMatchObject({
      message: expect.stringContaining('failed at a1_x.ts:11: op.createIndex'),
    })
  })

  test('has no stack unless it is asked for', async () => {
    const error = await errorOf({ 'a1_x.ts': revision("    throw new Error('x')") })
    expect(error).not.toHaveProperty('stack')
  })
})

describe('an error of SQL', () => {
  test.each<[string, string, number, string?]>([
    ['op.execute', `    await op.execute('select 1')\n\n    await op.execute('select nope')`, 12],
    ['op.query', `    await op.query('select 1 as n')\n    await op.query('select nope')`, 11],
    [
      'op.getBind',
      `    const db = op.getBind<Tables>()\n\n    await db.selectFrom('t').selectAll().execute()`,
      12,
    ],
    [
      'a session',
      `    await op.execute('create table s (id integer)')
    const em = orm(op, [defineEntity({ name: 'T', tableName: 't', properties: { id: p.integer().primary() } })])
    await em.find('T', {})`,
      12,
      "import { defineEntity, orm, p } from 'aurora-migrations/orm'",
    ],
    ['op.addColumn', `    await op.addColumn('nope', 'x', 'integer')`, 10],
    [
      'one of several statements of a call',
      `    await op.execute('create table t (id integer)')
    await op.execute('update nope set id = 1')
    await op.execute('update t set id = 2')`,
      11,
    ],
  ])('of %s is named with the line of the call', async (_, body, line, imports = '') => {
    const error = await errorOf({ 'a1_x.ts': revision(body, imports) })
    expect(error).toMatchObject({ file: 'a1_x.ts', line })
    expect(error.message).toContain(`upgrade of a1 (x) failed at a1_x.ts:${line}: `)
  })

  const script = (sql: string) => ({
    'a1_x.ts': revision('    await op.executeScript(up)', "import up from './a1_x.up.sql'"),
    'a1_x.up.sql': sql,
  })

  test('in a long script is named with the line at fault, alone or in a call with others', async () => {
    const lines = Array.from({ length: 99 }, (_, i) => `create table t_${i} (\n  id integer\n);`)
    const sql = `${lines.join('\n')}\n-- é😀\ncreate table "é😀" (\n  id integer,\n  n nope\n);\n`
    const error = await errorOf(script(sql))
    expect(error).toMatchObject({
      message: expect.stringContaining(
        'upgrade of a1 (x) failed: op.executeScript, a1_x.up.sql:301: type "nope" does not exist (SQLSTATE 42704); statement: ',
      ),
      file: 'a1_x.up.sql',
      line: 301,
      position: 39,
    })
    expect([...(error.statement ?? '')].slice(38).join('')).toBe('nope\n)')
  })

  test.each<[string, string, number]>([
    ['a syntax error', 'select 1;\ncreate table t (\n  a integer,\n  b integeer c\n);', 4],
    ['a syntax error at the end', 'select 1;\ncreate table t (\n  a integer,\n  b integer\n', 4],
    ['a column that is not there', 'create table t (a int);\nupdate t\n  set a = nope;', 3],
    ['a column of a table', 'create table t (a int);\nupdate t u\n  set a = u.nope;', 3],
    ['a table', 'create table t (a int);\ninsert into t\n  select 1 from\n  "No such"', 4],
    ['a function', 'create table t (a int);\nupdate t\n  set a = nope(1, 2);', 3],
    [
      'a name with an underscore',
      'create table t (a int);\ninsert into t\n  select 1 from no_such',
      3,
    ],
    [
      'a name of many signs',
      'create table t (a int);\ninsert into t select 1 from\n  "_-a@b/c.d+(e)[f]{g}$h^i|j?k*l\\m#~!%&=,;:<>`"',
      3,
    ],
    [
      'a constant of signs',
      "create type m as enum ('a');\ncreate table t (m m default\n  '_-@%');",
      3,
    ],
    ['a constant', "create table t (a int);\nupdate t\n  set a =\n    'x y';", 4],
    [
      'the body of a function',
      'create table t (a int);\ncreate function f() returns int language sql as $$\n  select a from\n  nope\n$$',
      4,
    ],
    [
      'the body in PL/pgSQL',
      'create table t (a int);\ncreate function f() returns int language plpgsql as $$\nbegin\n  selec a;\nend $$',
      4,
    ],
  ])('is named with the line of %s', async (_, sql, line) => {
    const error = await errorOf(script(sql))
    expect(error.message).toContain(`op.executeScript, a1_x.up.sql:${line}: `)
    expect(error).toMatchObject({ file: 'a1_x.up.sql', line, position: expect.any(Number) })
  })

  test('that has no place of its own is named with the first line of the statement', async () => {
    const sql = 'create table t (a int primary key);\ninsert into t\n  values (1), (1);'
    const error = await errorOf(script(sql))
    expect(error).toMatchObject({ file: 'a1_x.up.sql', line: 2 })
    expect(error).not.toHaveProperty('position')
  })

  test('of a trigger is not looked for in the statement that runs it', async () => {
    const sql = `create table t (nope int);
create function f() returns trigger language plpgsql as $$
begin
  perform x.nope from (select 1) x;
  return new;
end $$;
create trigger t before insert on t for each row execute function f();
insert into t
  (nope) values (1);`
    const error = await errorOf(script(sql))
    expect(error).toMatchObject({ line: 8, message: expect.stringContaining('x.nope') })
    expect(error).not.toHaveProperty('position')
  })

  test('of a file that is one statement is named with the line at fault', async () => {
    const files = {
      'a1_x.ts': revision('    await op.query(up)', "import up from './a1_x.up.sql'"),
      'a1_x.up.sql': '-- one\n\nselect 1 as n,\n  nope',
    }
    expect(await errorOf(files)).toMatchObject({
      message: expect.stringContaining('op.query, a1_x.up.sql:4: column "nope"'),
      line: 4,
    })
  })
})
