import { defineRevision } from 'aurora-migrations'

const GIVEN_NAMES = [
  'Ada',
  'Björn',
  'Chidi',
  'Dolores',
  'Emeka',
  'Fatima',
  'Goran',
  'Hana',
  'Ines',
  'João',
]
const FAMILY_NAMES = [
  'Abara',
  'Brandt',
  'Castillo',
  'Dvořák',
  'Eriksen',
  'Fontaine',
  "O'Connor",
  'Haddad',
  'Ito',
  'Kowalski',
  'Lindqvist',
  'Moreau',
  'Novák',
  'Okafor',
  'Petrov',
  'Quintero',
  'Rossi',
  'Silva',
  'Tanaka',
  'Yilmaz',
  'Ziegler',
  'Almeida',
  'Bianchi',
  'Costa',
  'Duarte',
  'Engström',
  'Ferrari',
  'García',
  'Hoffmann',
  'Ivanova',
]
const TEAMS = [
  'Harbour United',
  'North End',
  'Riverside',
  'Old Mill Rovers',
  'Railway Athletic',
  "St. Mary's",
  'Castle Park',
  'Lakeside',
  'Hilltop Wanderers',
  'Union',
]

/** Three hundred players; the name of the team is repeated in each row, which the next revision mends. */
const players = GIVEN_NAMES.flatMap((given, g) =>
  FAMILY_NAMES.map((family, f) => ({
    name: `${given} ${family}`,
    team: TEAMS[(3 * g + f) % TEAMS.length],
  })),
)

export default defineRevision({
  revision: '29b4c2bfce6d',
  downRevision: null,
  doc: 'create players table',

  async upgrade(op) {
    await op.createTable('players', (table) =>
      table
        .addColumn('id', 'integer', (column) => column.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('team', 'text', (column) => column.notNull()),
    )
    await op.bulkInsert('players', players)
  },

  async downgrade(op) {
    await op.dropTable('players')
  },
})
