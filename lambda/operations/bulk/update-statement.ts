import { identifier, literal } from '../../sql/literals.ts'
import { qualified } from '../../sql/qualified.ts'
import { unusedName } from '../../sql/unused-name.ts'
import type { KeyOperators } from './key-operators.ts'
import type { RowChunk } from './row-chunks.ts'
import type { GivenColumn } from './row-groups.ts'
import { recordsOf } from './row-objects.ts'

/** What the statements of one `op.bulkUpdate` have in common. */
export interface Update {
  /** The table as SQL. */
  readonly target: string
  readonly key: readonly string[]
  /** Whether each row has to match one of the table. */
  readonly requiresMatch: boolean
  /** Undefined in a script, where nothing is known of the table. */
  readonly operators: KeyOperators | undefined
  /** Whether there are several, so that each has to know the keys of those before it. */
  readonly isDivided: boolean
}

/** Names in the statement that neither the table has nor any column that is given. */
type Names = Readonly<Record<(typeof NAMES)[number], string>>
const NAMES = [
  'sent',
  'given',
  'row',
  'kept',
  'keys',
  'first',
  'last',
  'target',
  'present',
] as const

/**
 * Changes the rows of a chunk, which travel as `:rows`. Fails with one of the texts below, and then changes nothing:
 * no second call is needed, and the checks also stand in what offline mode prints.
 */
export function updateStatement(update: Update, { columns }: RowChunk, isFirst: boolean): string {
  const { target, key, requiresMatch, isDivided } = update
  const names = unusedNames(`${target} ${columns.map(({ name }) => name).join(' ')}`)
  const changes = columns
    .filter(({ name }) => !key.includes(name))
    .map(({ name, isJsonNull }) => {
      const column = identifier(name)
      return `${column} = ${isJsonNull ? "'null'" : `"${names.given}".${column}`}`
    })
  const queries = [
    givenRows(update, names, columns),
    ...(isDivided ? [keysOfAll(update, names, isFirst)] : []),
  ]
  const conditions = [
    matches(update, names, names.target),
    allDiffer(update, names),
    ...(requiresMatch ? [allMatch(update, names)] : []),
  ]
  return `with ${queries.join(', ')} update ${target} as "${names.target}" set ${changes.join(', ')} from "${names.given}" where ${conditions.join(' and ')}`
}

/** The rows, numbered. Not all columns of the table, of which any may be named like the number. */
function givenRows(
  { target, isDivided }: Update,
  { sent, given, row }: Names,
  columns: readonly GivenColumn[],
): string {
  const values = columns.map(({ name }) => `"${given}".${identifier(name)}`).join(', ')
  const numbered = (from: string) =>
    qualified`"${given}" as materialized (select #row_number() over () as "${row}", ${values} from ${from} as "${given}")`
  if (!isDivided) return numbered(recordsOf(target, qualified`:rows::#json`))
  const json = qualified`"${sent}" as materialized (select :rows::#json as "${row}")`
  return `${json}, ${numbered(`"${sent}", ${recordsOf(target, `"${sent}"."${row}"`)}`)}`
}

function unusedNames(text: string): Names {
  const pairs = NAMES.map((base) => [base, unusedName(`aurora_${base}`, text)])
  return Object.fromEntries(pairs) as Names
}

/** That the row of the table called `alias` has the key of the given one. */
function matches({ key, operators }: Update, names: Names, alias: string): string {
  const conditions = key.map((column) => {
    const name = identifier(column)
    const [one, other] = [`"${alias}".${name}`, `"${names.given}".${name}`]
    // An array compares its elements as `group by` would, but no index helps.
    if (operators === undefined) return qualified`array[${one}] #= array[${other}]`
    const own = operators.get(column)
    if (own === undefined) return qualified`${one} #= ${other}`
    return `${one}::${own.type} ${own.operator} ${other}::${own.type}`
  })
  return conditions.join(' and ')
}

const MISSING = 'aurora-migrations bulkUpdate, rows without a match,'
const REPEATED = 'aurora-migrations bulkUpdate, rows with the same key,'

/** A condition that is true, or fails with a text that says how many rows lack a match, and which is the first. */
function allMatch(update: Update, names: Names): string {
  const { given, row, present } = names
  const found = `exists (select from ${update.target} as "${present}" where ${matches(update, names, present)})`
  return qualified`(select case when #count(*) #= 0 then true else #concat('${MISSING} ', #count(*), ' from ', #min("${row}"))::#bool end from "${given}" where not ${found})`
}

/** A condition that is true, or fails with the numbers of two rows whose keys PostgreSQL does not tell apart. */
function allDiffer({ key, isDivided }: Update, names: Names): string {
  const { given, keys, row, first, last } = names
  const columns = key.map(identifier).join(', ')
  return qualified`(select case when #count(*) #= 0 then true else #concat('${REPEATED} ', #min(array["${last}", "${first}"]))::#bool end from (select #min("${row}") as "${first}", #max("${row}") as "${last}" from "${isDivided ? keys : given}" group by ${columns} having #count(*) #> 1) as "${keys}")`
}

/** A setting of the transaction: the keys of a call so far, as JSON objects with commas between them. */
const KEYS = 'aurora_migrations.keys'

/** The keys of the chunks before, with those of this one, numbered through. They stay JSON, so that none loses digits. */
function keysOfAll({ target, key }: Update, names: Names, isFirst: boolean): string {
  const { sent, kept, keys, row } = names
  const members = key.map((column) => {
    const name = literal(column).trim()
    return qualified`${name}, value #-> ${name}`
  })
  const own = qualified`(select #string_agg(#json_build_object(${members.join(', ')})::#text, ',' order by ordinality) from "${sent}", #json_array_elements("${sent}"."${row}") with ordinality)`
  const before = qualified`#current_setting('${KEYS}', true)`
  // Outside of a transaction nothing is kept.
  const all = isFirst
    ? own
    : qualified`#concat(case when ${before} #<> '' then #concat(${before}, ',') end, ${own})`
  const columns = key.map((column) => `"${keys}".${identifier(column)}`).join(', ')
  const record = recordsOf(target, qualified`#concat('[', "${kept}"."${row}", ']')::#json`)
  return qualified`"${kept}" as materialized (select #set_config('${KEYS}', ${all}, true) as "${row}"), "${keys}" as materialized (select #row_number() over () as "${row}", ${columns} from "${kept}", ${record} as "${keys}")`
}

const MISSING_MESSAGE = new RegExp(`${MISSING} (?<count>\\d+) from (?<first>\\d+)`)
const REPEATED_MESSAGE = new RegExp(`${REPEATED} \\{(?<last>\\d+),(?<first>\\d+)\\}`)

/** How many rows of a chunk lack a match, and the number of the first, from 1; undefined for any other message. */
export function missingRows(message: string): { count: number; first: number } | undefined {
  const { count, first } = MISSING_MESSAGE.exec(message)?.groups ?? {}
  return first === undefined ? undefined : { count: Number(count), first: Number(first) }
}

/** The numbers of two rows with the same key, from 1 and through all chunks of a call; undefined for any other message. */
export function repeatedRows(message: string): { first: number; last: number } | undefined {
  const { first, last } = REPEATED_MESSAGE.exec(message)?.groups ?? {}
  return first === undefined ? undefined : { first: Number(first), last: Number(last) }
}
