import { defineEntity, p } from '../../lambda/orm/orm.ts'

export const Team = defineEntity({
  name: 'Team',
  tableName: 'teams',
  properties: {
    id: p.integer().primary(),
    name: p.text().unique(),
    founded: p.integer().nullable(),
  },
})

export const Player = defineEntity({
  name: 'Player',
  tableName: 'players',
  properties: { id: p.integer().primary(), team: () => p.manyToOne(Team) },
})

/** Their tables, with constraints to break, and a team. */
export const tables = [
  'create table teams (id serial primary key, name text not null unique, founded int check (founded > 1850))',
  'create table players (id serial primary key, team_id int not null references teams)',
  `insert into teams (name) values ('Town')`,
]

export const failureOf = (promise: Promise<unknown>): Promise<Error & { code?: string }> =>
  promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error: Error) => error,
  )
