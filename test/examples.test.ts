import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { bundle } from '../infra/bundle.ts'
import type { LocalAurora } from '../infra/local/local-aurora.ts'
import { dumpCatalog } from './catalog-dump.ts'
import { exampleRevisions } from './example-revisions.ts'
import { connect, newDatabase, testAurora } from './local-aurora.ts'
import { BATCHING, callNames } from './runner-fixture.ts'

type Invoke = (event: unknown) => Promise<Record<string, unknown>>

let aurora: LocalAurora
let invoke: Invoke
let out: string
beforeAll(async () => {
  aurora = await testAurora()
  out = await mkdtemp(path.join(tmpdir(), 'aurora-examples-'))
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT')
  const { file } = await bundle({ migrations: 'migrations', out })
  ;({ invoke } = (await import(file)) as { invoke: Invoke })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await aurora.stop()
  await rm(out, { recursive: true, force: true })
})

async function exampleDatabase(): Promise<string> {
  const database = await newDatabase(aurora)
  for (const [name, value] of Object.entries(aurora.environment(database))) vi.stubEnv(name, value)
  return database
}

describe('the example revisions, through the bundle', () => {
  test('go up, down to base and up again to the same catalog and the same rows', async () => {
    const database = await exampleDatabase()
    const client = await connect(aurora, database)
    expect(await invoke({ command: 'upgrade' })).toMatchObject({
      status: 'succeeded',
      to: ['1ce7873ac4ced2'],
    })
    const first = await dumpCatalog(client)
    expect(await invoke({ command: 'downgrade', target: 'base' })).toMatchObject({
      status: 'succeeded',
      to: [],
    })
    const base = await dumpCatalog(client)
    expect(Object.keys(base.rows)).toEqual(['public.alembic_version'])
    expect(await invoke({ command: 'upgrade' })).toMatchObject({ status: 'succeeded' })
    expect(await dumpCatalog(client)).toEqual(first)
    expect(first.columns.length).toBeGreaterThan(20)
    expect(first.rows['public.players']).toHaveLength(300)
  })

  test('can each be taken back and applied again to the same catalog', async () => {
    const database = await exampleDatabase()
    const client = await connect(aurora, database)
    await invoke({ command: 'upgrade' })
    const revisions = await exampleRevisions()
    for (const { revision } of [...revisions].reverse()) {
      await invoke({ command: 'upgrade', target: revision })
    }
    const dumps = [await dumpCatalog(client)]
    for (let back = 1; back <= revisions.length; back += 1) {
      expect(await invoke({ command: 'downgrade', target: `-${back}` })).toMatchObject({
        status: 'succeeded',
      })
      expect(await invoke({ command: 'upgrade' })).toMatchObject({ status: 'succeeded' })
      dumps.push(await dumpCatalog(client))
    }
    for (const dump of dumps) expect(dump.columns).toEqual(dumps[0]?.columns)
    for (const dump of dumps) expect(dump.constraints).toEqual(dumps[0]?.constraints)
  })

  test('move 1,000 players to 20 teams with models and a session in 13 Data API calls, or 8 with batching', async () => {
    const database = await exampleDatabase()
    const client = await connect(aurora, database)
    await invoke({ command: 'upgrade', target: '29b4c2bfce6d' })
    await client.query('truncate players restart identity')
    await client.query(
      "insert into players (name, team) select 'player ' || n, 'team ' || n % 20 from generate_series(1, 1000) n",
    )
    aurora.calls.clear()
    expect(await invoke({ command: 'upgrade', target: '169ad57156f0' })).toMatchObject({
      status: 'succeeded',
    })
    expect(aurora.calls.forDatabase(database)).toHaveLength(BATCHING ? 8 : 13)
    expect(callNames(aurora.calls.forDatabase(database))).toEqual([
      'Read',
      'BeginTransaction',
      'Fence',
      'create table',
      'alter table',
      'select distinct',
      'select "p0"."id",',
      'insert into',
      'update "players"',
      'alter table',
      'alter table',
      'Move',
      'CommitTransaction',
    ])
    const { rows } = await client.query(
      'select t.name, count(*)::int as players from players p join teams t on t.id = p.team_id group by t.name',
    )
    expect(rows).toHaveLength(20)
    expect(new Set(rows.map((row) => row.players))).toEqual(new Set([50]))
    const columns = await client.query(
      "select column_name, is_nullable from information_schema.columns where table_name = 'players' order by ordinal_position",
    )
    expect(columns.rows).toEqual([
      { column_name: 'id', is_nullable: 'NO' },
      { column_name: 'name', is_nullable: 'NO' },
      { column_name: 'team_id', is_nullable: 'NO' },
    ])
  })
})
