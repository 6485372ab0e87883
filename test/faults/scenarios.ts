import { type CommandContext, downgrade, stamp, upgrade } from '../../lambda/commands.ts'
import type { Operations } from '../../lambda/operations/operations.ts'
import { defineEntity, orm, p } from '../../lambda/orm/orm.ts'
import type { Revision } from '../../lambda/revisions/revision.ts'
import type { Report } from '../../lambda/run/report.ts'
import { revision } from '../runner-fixture.ts'

/** One run that faults are thrown at. */
export interface Scenario {
  readonly name: string
  readonly revisions: readonly Revision[]
  /** Runs that bring a database to where the run begins; none: it begins with an empty one. */
  readonly before: readonly ((context: CommandContext) => Promise<Report>)[]
  /** Statements on top of that, as the owner of the database. */
  readonly setup?: string
  run(context: CommandContext): Promise<Report>
  /** How statements reach the database. */
  readonly settings: Pick<CommandContext, 'batching' | 'transaction'>
  /** How the run ends without a fault; it is the end of a run after the faulted one as well. */
  readonly status: 'succeeded' | 'failed'
}

const Team = defineEntity({
  name: 'Team',
  tableName: 'teams',
  properties: { id: p.integer().primary(), name: p.text() },
})

/** A row for each time a revision took effect: twice applied is twice seen. */
const mark = (op: Operations, what: string) => op.execute(`insert into applied values ('${what}')`)

const SCHEMA = revision(
  'r1',
  null,
  async (op) => {
    await op.execute('create table applied (what text)')
    await op.createTable('players', (table) =>
      table
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('team', 'text')
        .addColumn('team_id', 'integer'),
    )
    await mark(op, 'r1')
  },
  async (op) => {
    await op.dropTable('players')
    await op.dropTable('applied')
  },
)

const DATA = revision(
  'r2',
  'r1',
  async (op) => {
    await mark(op, 'r2')
    const rows = Array.from({ length: 40 }, (_, id) => ({ id, team: `team ${id % 4}` }))
    // Two calls, after one that asks for the types.
    await op.bulkInsert('players', rows, { chunkBytes: 500 })
    await op.createTable('teams', (table) =>
      table
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('name', 'text', (column) => column.unique()),
    )
  },
  async (op) => {
    await op.dropTable('teams')
    await op.execute('delete from players')
    await mark(op, 'not r2')
  },
)

const SESSION = revision(
  'r3',
  'r2',
  async (op) => {
    await mark(op, 'r3')
    const names = await op.query<{ team: string }>('select distinct team from players order by 1')
    const em = orm(op, [Team])
    for (const [id, { team }] of names.entries()) em.persist(em.create(Team, { id, name: team }))
    await em.flush()
    await op.execute(
      'update players set team_id = teams.id from teams where teams.name = players.team',
    )
  },
  async (op) => {
    await op.execute('update players set team_id = null')
    await op.execute('delete from teams')
    await mark(op, 'not r3')
  },
)

const KYSELY = revision(
  'r4',
  'r3',
  async (op) => {
    await mark(op, 'r4')
    const db = op.getBind<{ players: { id: number; team_id: number | null } }>()
    await db.updateTable('players').set({ team_id: 1 }).where('id', '=', 7).execute()
    await op.execute('savepoint risky')
    await op.dropColumn('players', 'team')
  },
  async (op) => {
    await op.addColumn('players', 'team', 'text')
    await mark(op, 'not r4')
  },
)

const LINE = [SCHEMA, DATA, SESSION, KYSELY]

const INDEX = revision(
  'r2',
  'r1',
  async (op) => {
    await op.autocommitBlock(async () => {
      await op.createIndex('players_team', 'players', ['team'], { concurrently: true })
      await op.execute('vacuum players')
    })
    await op.autocommitBlock(() => op.execute('analyze players'))
    await mark(op, 'r2, after the blocks')
    await op.execute("insert into players values (1, 'a'), (2, 'b')")
    await op.execute('alter table players add unique (team)')
  },
  async () => {},
)

/** {@link INDEX} as it was before it was corrected: its blocks end well, and what follows fails. */
const WRONG_INDEX = revision('r2', 'r1', async (op) => {
  await op.autocommitBlock(() => op.execute('analyze players'))
  await mark(op, 'r2, wrong')
  await op.execute('select 1/0')
})

const FAILING = revision('r3', 'r2', async (op) => {
  await mark(op, 'r3')
  await op.execute('create table never (id integer)')
  await op.execute('select 1/0')
})

const upTo = (target: string) => (context: CommandContext) => upgrade(context, target)

type Story = Omit<Scenario, 'settings'>

const STORIES: readonly Story[] = [
  {
    name: 'first run on an empty database',
    revisions: [SCHEMA],
    before: [],
    run: upTo('heads'),
    status: 'succeeded',
  },
  {
    name: 'upgrade of three revisions',
    revisions: LINE,
    before: [upTo('r1')],
    run: upTo('heads'),
    status: 'succeeded',
  },
  {
    name: 'downgrade of three revisions',
    revisions: LINE,
    before: [upTo('r4')],
    run: (context) => downgrade(context, 'r1'),
    status: 'succeeded',
  },
  {
    name: 'stamp',
    revisions: LINE,
    before: [upTo('r2')],
    run: (context) => stamp(context, ['r4']),
    status: 'succeeded',
  },
  {
    name: 'autocommit block',
    revisions: [SCHEMA, INDEX],
    before: [upTo('r1')],
    run: upTo('heads'),
    status: 'succeeded',
  },
  {
    name: 'autocommit block after an interrupted one',
    revisions: [SCHEMA, INDEX],
    before: [
      upTo('r1'),
      (context) => {
        const wrong = (id: string) => (id === 'r2' ? WRONG_INDEX : context.revision(id))
        return upgrade({ ...context, revision: wrong })
      },
    ],
    run: upTo('heads'),
    status: 'succeeded',
  },
  {
    name: 'nothing to do',
    revisions: LINE,
    before: [upTo('r4')],
    run: upTo('heads'),
    status: 'succeeded',
  },
  {
    name: 'a revision that fails after one that does not',
    revisions: [SCHEMA, DATA, FAILING],
    before: [upTo('r1')],
    run: upTo('heads'),
    status: 'failed',
  },
  {
    name: "Alembic's version table taken over",
    revisions: LINE.slice(0, 2),
    before: [],
    setup: `create table alembic_version (version_num varchar(32) not null constraint alembic_version_pkc primary key);
insert into alembic_version values ('r1'); create table applied (what text);
create table players (id integer primary key, team text, team_id integer)`,
    run: upTo('heads'),
    status: 'succeeded',
  },
]

const inWay = (way: string, settings: Scenario['settings'], stories = STORIES): Scenario[] =>
  stories.map((story) => ({ ...story, name: `${story.name}, ${way}`, settings }))

const SEVERAL_STEPS = STORIES.filter(({ name }) => /three revisions|after one/.test(name))

/** The stories with statements that travel together; those of several steps in one transaction as well. */
export const IN_BATCHES: readonly Scenario[] = [
  ...inWay('in batches', { batching: true }),
  ...inWay('in one transaction', { batching: true, transaction: 'run' }, SEVERAL_STEPS),
]

/** The stories with a call for each statement. */
export const ONE_BY_ONE: readonly Scenario[] = inWay('one by one', { batching: false })
