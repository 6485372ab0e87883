import { describe, expect, test } from 'vitest'
import teamsRevision from '../../migrations/169ad57156f0_create_teams_table.ts'
import { revisions } from './orm-fixture.ts'

const { upgrade, downgrade } = teamsRevision

const revision = revisions()

const players = [
  'create table players (id int primary key generated always as identity, name text not null, team text not null)',
  `insert into players (name, team) select 'Player ' || i, 'Team ' || i % 20 from generate_series(1, 1000) i`,
]

describe('the teams revision of the seed, on 1,000 players of 20 teams', () => {
  test('makes eight Data API calls on its way up, one a statement', async () => {
    const { op, session, pg, calls, statements } = await revision(...players)

    await upgrade(op)

    expect(calls()).toEqual(Array(8).fill('ExecuteStatement'))
    expect(statements.map((sql) => sql.slice(0, 24))).toEqual([
      'create table "teams" ("i',
      'alter table "players" ad',
      'select distinct team fro',
      'select "p0"."id", "p0"."',
      'insert into "teams" ("na',
      'update "players" set "te',
      'alter table "players" al',
      'alter table "players" dr',
    ])
    await session.commit()
    const { rows } = await pg.query(
      `select count(*)::int as players, count(distinct team_id)::int as teams,
        bool_and(t.name = 'Team ' || p.id % 20) as right from players p join teams t on t.id = team_id`,
    )
    expect(rows).toEqual([{ players: 1000, teams: 20, right: true }])
  })

  test('writes the flush as one INSERT that returns the keys and one UPDATE', async () => {
    const { op, statements } = await revision(...players)

    await upgrade(op)

    const [insert = '', update = ''] = statements.slice(4, 6)
    expect(insert.match(/, \(/g)).toHaveLength(19)
    expect(insert).toMatch(
      /^insert into "teams" \("name"\) values \( 'Team 0'\), .*\) returning "id"$/,
    )
    expect(update.match(/when \("id" =/g)).toHaveLength(1000)
    expect(update).toMatch(
      /^update "players" set "team_id" = case when \("id" = {2}1\) then {2}\d+ .* else "team_id" end where "id" in \( 1, .*\)$/,
    )
  })

  test('gives each player the name of the team back on its way down', async () => {
    const { op, session, pg, calls } = await revision(...players)
    await upgrade(op)
    const before = calls().length

    await downgrade?.(op)

    expect(calls().length - before).toBe(6)
    await session.commit()
    const { rows } = await pg.query(
      `select count(*)::int as players, bool_and(team = 'Team ' || id % 20) as right,
        to_regclass('teams') as teams from players`,
    )
    expect(rows).toEqual([{ players: 1000, right: true, teams: null }])
  })
})
