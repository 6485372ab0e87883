import { defineEntity, p } from '../../lambda/orm/orm.ts'

export const Team = defineEntity({
  name: 'Team',
  tableName: 'teams',
  properties: {
    id: p.integer().primary(),
    name: p.text().unique(),
    players: () => p.oneToMany(Player).mappedBy('team'),
    tags: () => p.manyToMany(Tag),
  },
})

export const Player = defineEntity({
  name: 'Player',
  tableName: 'players',
  properties: {
    id: p.integer().primary(),
    name: p.text(),
    score: p.integer().nullable(),
    story: p.text().nullable(),
    notes: p.text().nullable(),
    team: () => p.manyToOne(Team).nullable(),
  },
})

export const Tag = defineEntity({
  name: 'Tag',
  tableName: 'tags',
  properties: { id: p.integer().primary(), label: p.text() },
})

/** Their tables; `cash` and `absent` are of types that the Data API does not answer. */
export const tables = [
  'create table teams (id serial primary key, name text not null unique)',
  `create table players (id serial primary key, name text not null, score int, story text, notes text,
    team_id int references teams, cash money, absent interval)`,
  'create table tags (id serial primary key, label text not null)',
  'create table teams_tags (team_id int references teams, tag_id int references tags, primary key (team_id, tag_id))',
]

/** A few rows of each. */
export const rows = [
  `insert into teams (name) values ('North End'), ('Riverside')`,
  `insert into players (name, score, team_id) values ('Ann', 3, 1), ('Bob', 5, 1), ('Cid', 8, 2)`,
  `insert into tags (label) values ('old'), ('new')`,
  'insert into teams_tags values (1, 1), (1, 2)',
]
