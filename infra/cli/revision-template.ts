import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError } from '../../lambda/errors.ts'

/** What a new revision file is made of. */
export interface NewRevision {
  readonly revision: string
  readonly downRevision: readonly string[]
  readonly branchLabels: readonly string[]
  readonly dependsOn: readonly string[]
  readonly doc: string
}

interface Template {
  readonly synopsis: string
  readonly text: string
}

/** Stands in a template for the fields of the revision. */
const HEADER = '$' + '{header}'
/** Stands in a template for the name of the file, without its extension. */
const FILE = '$' + '{file}'
/** The `.sql` files that a template imports by its own name. */
const SQL_FILE = /'\.\/\$\{file\}(?<ending>(?:\.[\w-]+)*\.sql)'/g

/** The name of a folder's own template, which new revisions then are made from. */
export const TEMPLATE_FILE = 'revision.template'

/** The templates that come with the package. */
export const TEMPLATES: Readonly<Record<string, Template>> = {
  generic: {
    synopsis: 'TypeScript: op, raw SQL, bulk rows',
    text: `import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  ${HEADER}

  async upgrade(op) {
    // await op.addColumn('account', 'closed_at', 'timestamptz')
  },

  async downgrade(op) {
    // await op.dropColumn('account', 'closed_at')
  },
})
`,
  },
  sql: {
    synopsis: 'SQL in files of its own, one up and one down',
    text: `/// <reference types="aurora-migrations/files" />
import { defineRevision } from 'aurora-migrations'
import down from './${FILE}.down.sql'
import up from './${FILE}.up.sql'

export default defineRevision({
  ${HEADER}

  async upgrade(op) {
    await op.executeScript(up)
  },

  async downgrade(op) {
    await op.executeScript(down)
  },
})
`,
  },
  models: {
    synopsis: 'models and a session, for moving data',
    text: `import { defineRevision } from 'aurora-migrations'
import { defineEntity, orm, p } from 'aurora-migrations/orm'

// The columns this revision uses, as they are at this point of the history.
const Account = defineEntity({
  name: 'Account',
  tableName: 'account',
  properties: { id: p.integer().primary(), name: p.text() },
})

export default defineRevision({
  ${HEADER}

  async upgrade(op) {
    const em = orm(op, [Account])
    for (const account of await em.find(Account, {})) account.name = account.name.trim()
    await em.flush()
  },

  downgrade: null,
})
`,
  },
}

/** A merge point moves nothing. */
const MERGE = `import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  ${HEADER}

  async upgrade() {},

  async downgrade() {},
})
`

/** The template of that name. */
export function templateNamed(name: string): Template {
  const template = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined
  if (template) return template
  throw new CommandError(
    'NoSuchTemplate',
    `No such template '${name}': there are ${Object.keys(TEMPLATES).join(', ')}`,
  )
}

/** What a `.sql` file begins with. Until a statement follows, it fails the revision. */
const NEW_SQL_FILE = '-- statements, each with a semicolon\n'

/**
 * The files of a new revision, by name: `<name>.ts`, from the folder's own template if it has one, and the `.sql` files
 * that the template imports.
 */
export async function revisionFileTexts(
  folder: string,
  name: string,
  revision: NewRevision,
  options: { readonly sql?: boolean } = {},
): Promise<ReadonlyMap<string, string>> {
  const template = await templateFor(folder, revision, options)
  const endings = [...template.matchAll(SQL_FILE)].map(({ groups }) => groups?.ending ?? '')
  return new Map([
    [`${name}.ts`, filled(template.replaceAll(FILE, name), revision)],
    ...endings.sort().map((ending) => [name + ending, NEW_SQL_FILE] as const),
  ])
}

async function templateFor(
  folder: string,
  { downRevision }: NewRevision,
  { sql = false }: { readonly sql?: boolean },
): Promise<string> {
  if (downRevision.length > 1) return MERGE
  if (sql) return templateNamed('sql').text
  const file = path.join(folder, TEMPLATE_FILE)
  const own = await readFile(file, 'utf8').catch(() => undefined)
  if (own !== undefined && !own.includes(HEADER)) {
    throw new CommandError(
      'BadTemplate',
      `${file} has no ${HEADER}: put it where the fields of the revision belong, after 'defineRevision({'`,
    )
  }
  return own ?? templateNamed('generic').text
}

function filled(template: string, revision: NewRevision): string {
  const { downRevision, branchLabels, dependsOn, doc } = revision
  const [only] = downRevision
  const down =
    downRevision.length > 1 ? list(downRevision) : only === undefined ? 'null' : quoted(only)
  const lines = [
    `revision: ${quoted(revision.revision)},`,
    `downRevision: ${down},`,
    ...(branchLabels.length > 0 ? [`branchLabels: ${list(branchLabels)},`] : []),
    ...(dependsOn.length > 0 ? [`dependsOn: ${list(dependsOn)},`] : []),
    `doc: ${quoted(doc)},`,
  ]
  return template.replace(HEADER, () => lines.join('\n  '))
}

function list(texts: readonly string[]): string {
  return `[${texts.map(quoted).join(', ')}]`
}

function quoted(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${escaped}'`
}
