import path from 'node:path'
import { bundle } from '../../infra/bundle.ts'
import { type Bench, medianOf, runOnce, type Section, shown } from './bench.ts'
import { upgradeProblem } from './contestants.ts'
import type { Measured, Program } from './measured-run.ts'

const PLAYERS = 1000
const BEFORE = '29b4c2bfce6d'
const REVISION = '169ad57156f0'

/** Another season: as many players and teams as the example of the README speaks of. */
const MORE_PLAYERS = [
  'truncate players restart identity',
  `insert into players (name, team) select 'player ' || i, 'team ' || i % 20 from generate_series(1, ${PLAYERS}) i`,
]

/** (e) The revision with models and a session, on 1,000 players of 20 teams. */
export async function playersRevision(bench: Bench): Promise<Section> {
  const { aurora, sizes, work } = bench
  const migrations = path.resolve(import.meta.dirname, '../../migrations')
  const { file } = await bundle({ migrations, out: path.join(work, 'players') })
  const upgrade = (target: string): Program => ({
    file,
    name: 'invoke',
    args: [{ command: 'upgrade', target }],
    problem: upgradeProblem,
  })
  const template = await aurora.database()
  await runOnce(bench, upgrade(BEFORE), aurora.nearest, template)
  await aurora.query(template, MORE_PLAYERS)
  const rows: (string | number)[][] = []
  let calls = Number.NaN
  for (const front of aurora.fronts) {
    const runs: Measured[] = []
    for (let i = 0; i < sizes.repeat; i += 1) {
      const database = await aurora.database(template)
      runs.push(await runOnce(bench, upgrade(REVISION), front, database))
      await checkTeams(bench, database)
      await aurora.drop(database)
    }
    calls = medianOf(runs, (run) => run.calls.dataApi)
    const ms = medianOf(runs, (run) => run.ms)
    const cpu = medianOf(runs, (run) => run.cpuMs)
    const latency = calls * front.latencyMs
    const rest = ms - latency - cpu
    rows.push([`${front.latencyMs} ms`, calls, ...[ms, latency, cpu, rest].map(shown)])
  }
  const columns = ['latency', 'Data API calls', 'wall ms', 'calls × latency']
  return {
    title: `(e) The session revision ${REVISION} on ${PLAYERS} players of 20 teams`,
    about: [
      'Models, `em.find` of all players, a team each, one flush, and the DDL around it. No peer has a session to compare with.',
    ],
    tables: [
      {
        title: 'Calls and wall time',
        columns: [...columns, "client's CPU", 'database and rest'],
        rows,
      },
    ],
    goals: [{ work: 'e', goal: '8 calls', measured: `${calls} calls`, met: calls <= 8 }],
  }
}

async function checkTeams({ aurora }: Bench, database: string): Promise<void> {
  const [row] = await aurora.query(database, [
    'select count(*)::int as players, count(distinct team_id)::int as teams from players',
  ])
  if (row?.players === PLAYERS && row.teams === 20) return
  throw new Error(`the players revision left ${row?.players} players in ${row?.teams} teams`)
}
