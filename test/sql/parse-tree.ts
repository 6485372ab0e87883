import { loadModule, parseSync } from 'libpg-query'

await loadModule()

/** A constant as PostgreSQL's own parser reads it, and the byte at which it begins. */
export interface ParsedConstant {
  readonly value: string | number | boolean | null
  readonly location: number
}

/** Every constant of the text, in the order of PostgreSQL's parse tree; throws what its parser refuses. */
export function constantsOf(sql: string): ParsedConstant[] {
  const found: ParsedConstant[] = []
  visit(parseSync(sql), 'A_Const', (node) => found.push(constantOf(node)))
  return found
}

/** How many statements PostgreSQL's own parser sees. */
export function statementCount(sql: string): number {
  return parseSync(sql).stmts?.length ?? 0
}

/** The text of each statement, as PostgreSQL's own parser divides them; without the comments before it. */
export function statementsIn(sql: string): string[] {
  const bytes = Buffer.from(sql)
  return (parseSync(sql).stmts ?? []).map(({ stmt_location: start = 0, stmt_len: length }) => {
    const text = bytes.toString('utf8', start, length ? start + length : undefined)
    return text.replace(/^(?:\s|--[^\n]*\n)+/, '')
  })
}

/** The names of the columns that the text refers to. */
export function columnNames(sql: string): string[] {
  const found: string[] = []
  visit(parseSync(sql), 'ColumnRef', (node) => {
    const { fields } = node as { fields: { String?: { sval: string } }[] }
    found.push(fields.map(({ String: name }) => name?.sval ?? '*').join('.'))
  })
  return found
}

function visit(node: unknown, kind: string, found: (child: object) => void): void {
  if (typeof node !== 'object' || node === null) return
  for (const [key, child] of Object.entries(node)) {
    if (key === kind) found(child as object)
    else visit(child, kind, found)
  }
}

function constantOf(node: object): ParsedConstant {
  const {
    isnull,
    sval,
    ival,
    fval,
    boolval,
    location = 0,
  } = node as {
    isnull?: boolean
    sval?: { sval?: string }
    ival?: { ival?: number }
    fval?: { fval: string }
    boolval?: { boolval?: boolean }
    location?: number
  }
  // The tree leaves out what equals the default of its type: '', 0 and false.
  const value = isnull
    ? null
    : sval
      ? (sval.sval ?? '')
      : ival
        ? (ival.ival ?? 0)
        : fval
          ? fval.fval
          : (boolval?.boolval ?? false)
  return { value, location }
}
