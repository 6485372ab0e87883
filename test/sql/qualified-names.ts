import { loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query'

await loadModule()

/**
 * What in the text is looked up along the search path, as PostgreSQL's own parser reads it: functions, operators, types
 * and relations without a schema, syntax that stands for an unqualified operator, and every kind of node that is not
 * known to be harmless. The bodies of `do` blocks and functions, and queries that are handed on as text, are read too.
 *
 * `given`: tables that a revision named, with a schema or without.
 */
export function unqualifiedNames(sql: string, given: ReadonlySet<string> = new Set()): string[] {
  const text = sql.replaceAll(/(?<![:\w]):[a-z_]\w*/g, '$1')
  const found = new Set<string>()
  for (const { stmt } of parseSync(text).stmts ?? []) {
    walk(stmt, { found, text, given, known: new Set(namesOfQueries(stmt)) })
    if (/^\{"(?:DoStmt|CreateFunctionStmt)"/.test(JSON.stringify(stmt))) readBody(text, found)
  }
  return [...found]
}

interface Scope {
  readonly found: Set<string>
  readonly text: string
  readonly given: ReadonlySet<string>
  /** Names that `with` gives to queries of this statement. */
  readonly known: ReadonlySet<string>
}

type Node = Readonly<Record<string, unknown>>

/** The kind of a part of which the tree does not say it. */
function kindByShape(part: object): string | undefined {
  if ('names' in part && 'typemod' in part) return 'TypeName'
  return 'relname' in part && 'relpersistence' in part ? 'RangeVar' : undefined
}

function walk(value: unknown, scope: Scope): void {
  if (typeof value !== 'object' || value === null) return
  for (const [member, child] of Object.entries(value)) {
    if (typeof child !== 'object' || child === null) continue
    const kind = /^[A-Z]/.test(member) ? member : kindByShape(child)
    if (kind !== undefined) {
      for (const name of problems(kind, child as Node, scope)) scope.found.add(name)
    }
    walk(child, scope)
  }
}

/** Kinds that look nothing up, or only columns, which a statement has from its own relations. */
const HARMLESS = new Set(
  `A_ArrayExpr A_Const A_Indices A_Indirection A_Star Alias BoolExpr CaseWhen CoalesceExpr ColumnDef ColumnRef CommonTableExpr
  Constraint DefElem DeleteStmt DoStmt InsertStmt Integer List MinMaxExpr NullTest BooleanTest OnConflictClause ParamRef RangeFunction
  RangeSubselect ResTarget RowExpr SelectStmt SetToDefault SQLValueFunction String TypeCast UpdateStmt WithClause VariableSetStmt
  TransactionStmt ClosePortalStmt FetchStmt DeclareCursorStmt FunctionParameter CreateStmt LockingClause RawStmt`.split(
    /\s+/,
  ),
)

/** Checks of the kinds that may look something up. */
const CHECKS: Readonly<Record<string, (node: Node, scope: Scope) => readonly string[]>> = {
  FuncCall: (node) => [...qualifiedOrNot('function', node.funcname), ...queriesInText(node)],
  A_Expr: (node) =>
    ['AEXPR_OP', 'AEXPR_OP_ANY', 'AEXPR_OP_ALL'].includes(String(node.kind))
      ? qualifiedOrNot('operator', node.name)
      : [String(node.kind)],
  SubLink: ({ subLinkType, operName }) =>
    subLinkType === 'ANY_SUBLINK' || subLinkType === 'ALL_SUBLINK'
      ? qualifiedOrNot('operator', operName)
      : [],
  CaseExpr: ({ arg }) => (arg === undefined ? [] : ['case with an operand']),
  JoinExpr: ({ usingClause, isNatural }) => (usingClause || isNatural ? ['join using'] : []),
  SortBy: ({ useOp }) => (useOp === undefined ? [] : qualifiedOrNot('operator', useOp)),
  CollateClause: ({ collname }) => qualifiedOrNot('collation', collname),
  TypeName: ({ names, location }, { text, given }) => {
    // A keyword, but only since PostgreSQL 17.
    if (/^json\b/i.test(Buffer.from(text).toString('utf8', Number(location)))) return ['type json']
    return given.has(textsOf(names).join('.')) ? [] : qualifiedOrNot('type', names)
  },
  RangeVar: ({ schemaname, relname }, { known, given }) => {
    const name = String(relname)
    const isFound = schemaname !== undefined || known.has(name) || given.has(name)
    return isFound ? [] : [`relation ${name}`]
  },
  CreateFunctionStmt: ({ funcname }) =>
    textsOf(funcname).length === 2 ? [] : [`function ${textsOf(funcname).join('.')}`],
}

function problems(kind: string, node: Node, scope: Scope): readonly string[] {
  const check = CHECKS[kind]
  if (check) return check(node, scope)
  return HARMLESS.has(kind) ? [] : [kind]
}

/** The function that carries out batches is the only one with another schema. */
const OWN_FUNCTION = /_exec_v\d+$/

function qualifiedOrNot(kind: string, name: unknown): string[] {
  const parts = textsOf(name)
  const isOwn = kind === 'function' && parts.length === 2 && OWN_FUNCTION.test(parts[1] ?? '')
  return (parts.length === 2 && parts[0] === 'pg_catalog') || isOwn
    ? []
    : [`${kind} ${parts.join('.')}`]
}

function textsOf(name: unknown): string[] {
  const parts = (name ?? []) as { readonly String?: { readonly sval?: string } }[]
  return parts.map((part) => part.String?.sval ?? '?')
}

/** `query_to_xml` carries out its argument. */
function queriesInText({ funcname, args }: Node): string[] {
  if (textsOf(funcname).at(-1) !== 'query_to_xml') return []
  const texts: string[] = []
  collect((args as unknown[])[0], 'A_Const', ({ sval }) => {
    const { sval: text = '' } = (sval ?? {}) as { sval?: string }
    // The format has places for the beginning, a literal, and the rest.
    texts.push(text.includes('%') ? '' : text)
  })
  return unqualifiedNames(texts.filter((text) => text !== '').join("'{}'"))
}

function namesOfQueries(statement: unknown): string[] {
  const names: string[] = []
  collect(statement, 'CommonTableExpr', ({ ctename }) => names.push(String(ctename)))
  return names
}

function collect(value: unknown, kind: string, found: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    if (key === kind) found(child as Node)
    collect(child, kind, found)
  }
}

/** Variables that plpgsql declares itself. */
const IMPLICIT = new Set(['found', 'sqlstate', 'sqlerrm'])

/** Reads the statements, expressions and declarations of a plpgsql body. */
function readBody(sql: string, found: Set<string>): void {
  const body = parsePlPgSQLSync(sql)
  collect(body, 'PLpgSQL_expr', ({ query, parseMode }) => {
    const text = String(query)
    const isAssignment = Number(parseMode) > 2
    const value = isAssignment ? text.replace(/^[^:=]+:?=/, '') : text
    const statement = parseMode === 0 ? text : `select ${value}`
    for (const name of unqualifiedNames(statement)) found.add(name)
  })
  for (const kind of ['PLpgSQL_var', 'PLpgSQL_rec']) {
    collect(body, kind, ({ refname, lineno, datatype }) => {
      const { typname } = (datatype as { PLpgSQL_type: { typname: string } }).PLpgSQL_type
      // A parameter has no line; its type is in the tree of the statement.
      const isDeclared = lineno !== undefined && !IMPLICIT.has(String(refname))
      if (isDeclared && !typname.startsWith('pg_catalog.')) found.add(`type ${typname}`)
    })
  }
}
