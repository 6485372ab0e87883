import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { cliHere } from './cli-here.ts'
import { cli } from './cli-process.ts'

// Each test starts programs, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 })

const COMMANDS = [
  'upgrade',
  'downgrade',
  'stamp',
  'current',
  'history',
  'heads',
  'branches',
  'show',
  'check',
  'ensure-version',
  'revision',
  'merge',
  'edit',
  'init',
  'list-templates',
  'build',
  'local',
]
const CLUSTER = 'arn:aws:rds:eu-central-1:123456789012:cluster:shop'

describe('a command line that is not right', () => {
  test.each([
    [['nonsense'], "error: unknown command 'nonsense'"],
    [['downgrade'], "error: missing required argument 'target'"],
    [
      ['upgrade', 'a', 'b'],
      "error: too many arguments for 'upgrade'. Expected 1 argument but got 2: a, b.",
    ],
    [
      ['upgrade', ''],
      "error: command-argument value '' is invalid for argument 'target'. It must not be empty.",
    ],
    [['upgade'], "error: unknown command 'upgade' (Did you mean upgrade?)"],
    [['upgrade', '--sqll'], "error: unknown option '--sqll' (Did you mean --sql?)"],
    [['upgrade', '--nonsense'], "error: unknown option '--nonsense'"],
    [['upgrade', '--databse', 'x'], "error: unknown option '--databse' (Did you mean --database?)"],
    [
      ['local', '--postgres-url', 'shop'],
      'error: --postgres-url is not the URL of a PostgreSQL server: write postgres://<user>:<password>@<host>:<port>/<database>',
    ],
    [
      ['local', '--postgres-url', 'http://ada:secret@127.0.0.1/shop'],
      'error: --postgres-url is not the URL of a PostgreSQL server: write postgres://<user>:<password>@<host>:<port>/<database>',
    ],
    [
      ['local', '--postgres-url', 'postgres://ada:secret@127.0.0.1:1/shop'],
      'error: the server of --postgres-url cannot be used: connect ECONNREFUSED 127.0.0.1:1; it must run, and the user of the URL must be a superuser',
    ],
    [
      ['upgrade', '--timeout', '0'],
      "error: option '--timeout <seconds>' argument '0' is invalid. It must be a number of seconds from 1 to 2592000.",
    ],
    [
      ['upgrade', '--timeout', '60', '--function', 'shop'],
      "error: option '--timeout <seconds>' cannot be used with option '--function <name>'",
    ],
    [['upgrade', '-1x'], "error: unknown option '-1x'"],
    [['stamp'], "error: missing required argument 'targets'"],
    [['show'], "error: missing required argument 'target'"],
    [['revision'], "error: required option '-m, --message <text>' not specified"],
    [['revision', '-m'], "error: option '-m, --message <text>' argument missing"],
    [
      ['revision', '-m', ' '],
      "error: option '-m, --message <text>' argument ' ' is invalid. It must not be empty.",
    ],
    [
      ['history', '-n', 'x'],
      "error: option '-n, --limit <count>' argument 'x' is invalid. It must be a number from 1 to 1000.",
    ],
    [
      ['history', '-n', '0'],
      "error: option '-n, --limit <count>' argument '0' is invalid. It must be a number from 1 to 1000.",
    ],
    [
      ['current', '--function', ''],
      "error: option '--function <name>' argument '' is invalid. It must not be empty.",
    ],
    [
      ['current', '--function', 'f', '--local'],
      "error: option '--local' cannot be used with option '--function <name>'",
    ],
    [
      ['current', '--function', 'f', '--cluster-arn', CLUSTER],
      "error: option '--function <name>' cannot be used with option '--cluster-arn <arn>'",
    ],
    [
      ['current', '--function', 'f', '--database', 'd'],
      "error: option '--function <name>' cannot be used with option '--database <name>'",
    ],
    [
      ['current', '--cluster-arn', 'shop'],
      "error: option '--cluster-arn <arn>' argument 'shop' is invalid. It must be arn:aws:rds:<region>:<account>:cluster:<name>.",
    ],
    [
      ['current', '--secret-arn', 'shop'],
      "error: option '--secret-arn <arn>' argument 'shop' is invalid. It must be arn:aws:secretsmanager:<region>:<account>:secret:<name>.",
    ],
    [
      ['current', '--cluster-arn', CLUSTER],
      'error: --cluster-arn needs --secret-arn: the ARN of the Secrets Manager secret that holds the database user',
    ],
    [
      ['init', '--template', 'nonsense'],
      "error: No such template 'nonsense': there are generic, sql, models",
    ],
    [
      ['heads', '--migrations', 'nowhere'],
      "error: cannot read the migrations folder 'nowhere': ENOENT: no such file or directory, scandir 'nowhere'; name an existing one with --migrations",
    ],
    [
      ['downgrade', 'base', '--sql', '--migrations', 'migrations'],
      "error: downgrade with --sql requires <from>:<to>, and not 'base': from is where the database stands, as in 'downgrade ae1027a6acf0:base --sql'",
    ],
    [
      ['stamp', 'heads', '--sql', '--purge'],
      "error: Can't use 'purge' with 'sql': a script is written without a database",
    ],
    [
      ['upgrade', '--sql', '--strict'],
      "error: Can't use 'strict' with 'sql': a script is written without a database",
    ],
  ])('%j gives one line and the exit code 2', async (args, line) => {
    expect(await cliHere(args)).toEqual({ code: 2, stdout: '', stderr: `${line}\n` })
  })

  test('without a command shows the help, and ends with 2', async () => {
    const { code, stdout, stderr } = await cli([])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: aurora-migrations [options] [command]')
  })

  test('is never more than one line, whatever it is', async () => {
    const options = ['-n', '--limit', '--cluster-arn', '--secret-arn']
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...COMMANDS),
        fc.oneof(
          // An option nobody knows, and values that nothing can be made of.
          fc.string({ minLength: 1 }).map((name) => [`--x${name}`]),
          fc
            .tuple(fc.constantFrom(...options), fc.string({ unit: 'binary' }))
            .map(([option, value]) => [option, `!${value}`]),
        ),
        async (command, args) => {
          const { code, stdout, stderr } = await cliHere([command, ...args])
          expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
          expect(stderr).toMatch(/^error: .*\n$/)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('the help', () => {
  test('of the program lists the commands, the exit codes and examples', async () => {
    const { code, stdout } = await cliHere(['--help'])
    expect(code).toBe(0)
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command}`, 'm'))
    for (const exit of [0, 1, 2, 3, 4]) expect(stdout).toMatch(new RegExp(`\\b${exit} \\w+`))
    expect(stdout).toContain('Examples:')
  })

  test.each(COMMANDS)('of %s has an example, and every line of it is short', async (command) => {
    const { code, stdout } = await cliHere([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`\nExamples:\n  aurora-migrations ${command}`)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
  })

  test('and the version go to the standard output', async () => {
    expect(await cliHere(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    })
  })
})
