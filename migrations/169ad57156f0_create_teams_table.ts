import { defineRevision } from 'aurora-migrations'
import { defineEntity, orm, p } from 'aurora-migrations/orm'

// The models as they are at this point of the history, with the columns this revision uses and no more.
const Team = defineEntity({
  name: 'Team',
  tableName: 'teams',
  properties: {
    id: p.integer().primary(),
    name: p.text(),
  },
})

const Player = defineEntity({
  name: 'Player',
  tableName: 'players',
  properties: {
    id: p.integer().primary(),
    teamName: p.text().name('team'),
    team: () => p.manyToOne(Team).nullable(),
  },
})

export default defineRevision({
  revision: '169ad57156f0',
  downRevision: '29b4c2bfce6d',
  doc: 'create teams table',

  async upgrade(op) {
    await op.createTable('teams', (table) =>
      table
        .addColumn('id', 'integer', (column) => column.primaryKey().generatedAlwaysAsIdentity())
        .addColumn('name', 'text', (column) => column.notNull().unique()),
    )
    await op.addColumn('players', 'team_id', 'integer', (column) => column.references('teams.id'))

    const em = orm(op, [Player, Team])
    const names = await op.query<{ team: string }>(
      'select distinct team from players order by team',
    )
    const teams = new Map(names.map(({ team }) => [team, em.create(Team, { name: team })]))
    for (const player of await em.find(Player, {})) player.team = teams.get(player.teamName)
    await em.flush()

    // Only now has every player a team.
    await op.alterColumn('players', 'team_id', { nullable: false })
    await op.dropColumn('players', 'team')
  },

  async downgrade(op) {
    await op.addColumn('players', 'team', 'text')

    const em = orm(op, [Player, Team])
    for (const player of await em.find(Player, {}, { populate: ['team'] })) {
      if (player.team) player.teamName = player.team.name
    }
    await em.flush()

    await op.alterColumn('players', 'team', { nullable: false })
    await op.dropColumn('players', 'team_id')
    await op.dropTable('teams')
  },
})
