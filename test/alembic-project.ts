import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { isThere } from './sql-script.ts'

const run = promisify(execFile)

/** A Python that has Alembic and a PostgreSQL driver; Debian's is not always the first one. */
export const PYTHON = ['python3', '/usr/bin/python3'].find((python) =>
  isThere(python, ['-c', 'import alembic, psycopg2']),
)

/** A revision of Alembic's: it creates a table named after it. */
export interface PythonRevision {
  readonly id: string
  readonly down: string | readonly string[] | null
}

export interface AlembicOptions {
  /** Superuser URL of the database. */
  readonly url: string
  /** Who owns what Alembic makes. Default: the migrator. */
  readonly role?: string
  readonly schema?: string
  /** More Python for `context.configure(…)`. */
  readonly configure?: string
  /** Python before it. */
  readonly preamble?: string
}

/** A project of real Alembic, in a folder of its own. */
export class AlembicProject implements AsyncDisposable {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async create(
    revisions: readonly PythonRevision[],
    options: AlembicOptions,
  ): Promise<AlembicProject> {
    const folder = await mkdtemp(path.join(tmpdir(), 'aurora-alembic-'))
    const versions = path.join(folder, 'scripts/versions')
    await mkdir(versions, { recursive: true })
    await writeFile(path.join(folder, 'alembic.ini'), '[alembic]\nscript_location = scripts\n')
    await writeFile(path.join(folder, 'scripts/env.py'), environment(options))
    await writeFile(path.join(folder, 'scripts/script.py.mako'), MAKO)
    for (const { id, down } of revisions) {
      await writeFile(path.join(versions, `${id}.py`), revisionFile(id, down))
    }
    return new AlembicProject(folder)
  }

  /** Runs `alembic ARGS`; answers what it prints. */
  async alembic(...args: readonly string[]): Promise<string> {
    const program = 'from alembic.config import main; main(prog="alembic")'
    const { stdout } = await run(PYTHON ?? 'python3', ['-c', program, ...args], {
      cwd: this.#folder,
    })
    return stdout.trim()
  }

  /** The text of the revision file that is not one of the given. */
  async newFile(known: readonly PythonRevision[]): Promise<string> {
    const versions = path.join(this.#folder, 'scripts/versions')
    const names = await readdir(versions)
    const added = names.find(
      (name) => name.endsWith('.py') && !known.some(({ id }) => name === `${id}.py`),
    )
    return await readFile(path.join(versions, added ?? 'none'), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function environment({
  url,
  role = 'migrator',
  schema,
  configure = '',
  preamble = '',
}: AlembicOptions): string {
  return `from alembic import context
from sqlalchemy import create_engine, text, MetaData
target_metadata = MetaData()
${preamble}
engine = create_engine(${JSON.stringify(url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'))})
with engine.connect() as connection:
    connection.execute(text("set role ${role}"))
    connection.execute(text("commit"))
    context.configure(connection=connection, target_metadata=target_metadata${schema ? `, version_table_schema=${JSON.stringify(schema)}` : ''}${configure})
    with context.begin_transaction():
        context.run_migrations()
`
}

function revisionFile(id: string, down: PythonRevision['down']): string {
  return `"""doc of ${id}"""
from alembic import op
revision = ${JSON.stringify(id)}
down_revision = ${down === null ? 'None' : JSON.stringify(down)}
def upgrade():
    op.execute('create table "t_${id}" (id integer primary key)')
def downgrade():
    op.execute('drop table "t_${id}"')
`
}

const MAKO = `"""\${message}"""
revision = \${repr(up_revision)}
down_revision = \${repr(down_revision)}
from alembic import op
import sqlalchemy as sa
def upgrade():
    \${upgrades if upgrades else "pass"}
def downgrade():
    \${downgrades if downgrades else "pass"}
`
