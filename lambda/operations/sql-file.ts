import { StatementError } from '../data-api/errors.ts'
import { CommandError } from '../errors.ts'
import { positionToLine } from '../sql/position.ts'
import { revisionStatements, type ScriptStatement } from '../sql/script.ts'
import { locatedError } from './located-error.ts'

/**
 * A `.sql` file that a revision imports; `op.executeScript`, `op.execute` and `op.query` take it, and name it in errors.
 *
 * @example
 * ```ts
 * /// <reference types="aurora-migrations/files" />
 * import { defineRevision } from 'aurora-migrations'
 * import up from './ae1027a6acf0_close_accounts.up.sql'
 *
 * export default defineRevision({
 *   revision: 'ae1027a6acf0', downRevision: null, doc: 'close old accounts', downgrade: null,
 *   async upgrade(op) { await op.executeScript(up) },
 * })
 * ```
 */
export class SqlFile {
  /** Its path from the folder of the revisions. */
  readonly file: string
  /** What is in it, as it is; only a byte order mark at the beginning is left out. */
  readonly text: string

  constructor(file: string, text: string) {
    this.file = file
    this.text = text
  }

  /** The text, also in a template string. */
  toString(): string {
    return this.text
  }

  toJSON(): string {
    return this.text
  }
}

/** SQL as an operation takes it: text, or a file. */
export type Script = string | SqlFile

/**
 * The statements of a script.
 *
 * @throws CommandError as {@link revisionStatements} does, and for a file without any: a `.down.sql` that was never written
 * must not pass for a downgrade.
 */
export function statementsOf(script: Script): ScriptStatement[] {
  if (typeof script === 'string') return revisionStatements(script)
  const statements = splitFile(script)
  if (statements.length > 0) return statements
  throw new CommandError(
    'EmptyFile',
    `${script.file} holds no statement, so nothing would be done: write one, or remove the file and its import (downgrade: null says that a revision cannot be taken back)`,
  )
}

function splitFile({ file, text }: SqlFile): ScriptStatement[] {
  try {
    return revisionStatements(text)
  } catch (error) {
    throw locatedError(error, file)
  }
}

/** The error of a statement of a script, with the place: the line at fault, where it is known; else its first one. */
export function errorInScript(
  error: unknown,
  method: string,
  script: Script,
  { statement, line }: ScriptStatement,
): unknown {
  const at = faultyLine(error, script, { statement, line })
  if (typeof script === 'string') return locatedError(error, `op.${method}, line ${at}`)
  const place = { file: script.file, line: at }
  return locatedError(error, `op.${method}, ${place.file}:${place.line}`, place)
}

function faultyLine(error: unknown, script: Script, { statement, line }: ScriptStatement): number {
  if (!(error instanceof StatementError) || error.position === undefined) return line
  const { line: within } = positionToLine(error.sql, error.position)
  // A file of one statement is sent as it is, and what is around the statement with it.
  const isWhole = error.sql !== statement.sql && error.sql === String(script)
  return isWhole ? within : line + within - 1
}

/** Runs what `method` does with one statement; an error names the file that the statement is from. */
export async function inFile<T>(
  method: string,
  statement: unknown,
  work: () => Promise<T>,
): Promise<T> {
  if (!(statement instanceof SqlFile)) return await work()
  const [first] = statementsOf(statement)
  try {
    return await work()
  } catch (error) {
    throw first === undefined ? error : errorInScript(error, method, statement, first)
  }
}
