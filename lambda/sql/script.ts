import { CommandError } from '../errors.ts'
import { lineAt, type Token } from './scanner.ts'
import { refusedStatement, type ScriptFault, scriptError } from './script-faults.ts'
import { Statement } from './statement.ts'
import { extent, statementsOf } from './statement-tokens.ts'

/** One statement of a script. */
export interface ScriptStatement {
  /** Its text goes from its first token to its last: without comments around it and without the semicolon. */
  readonly statement: Statement
  /** The line of the script on which it begins. */
  readonly line: number
}

/**
 * Splits a script at the semicolons that end statements: not those in strings, quoted names, comments, parentheses
 * (`create rule`) and `begin atomic … end`. Empty pieces and comments around statements are left out.
 *
 * @throws CommandError with the line: a quote or comment that is never closed, a psql command, `copy … from stdin`. One
 * error names all of them, up to the first quote or comment that is not closed.
 */
export function splitStatements(script: string): ScriptStatement[] {
  return readScript(script, () => undefined)
}

/**
 * The statements of a script that a revision runs.
 *
 * @throws CommandError as {@link splitStatements} does, for statements that {@link Statement.refuse} refuses, and for those
 * that are too long. One error names all the places.
 */
export function revisionStatements(script: string): ScriptStatement[] {
  return readScript(
    script,
    (tokens, { refusal }) => refusal && refusedStatement(script, tokens, refusal),
  )
}

function readScript(
  script: string,
  faultOf: (tokens: readonly Token[], statement: Statement) => ScriptFault | undefined,
): ScriptStatement[] {
  let line = 1
  let counted = 0
  const faults: ScriptFault[] = []
  const statements: ScriptStatement[] = []
  try {
    for (const tokens of statementsOf(script, (fault) => faults.push(fault))) {
      const { start } = extent(tokens)
      line += lineAt(script.slice(counted, start), start - counted) - 1
      counted = start
      const statement = Statement.ofTokens(script, tokens)
      statements.push({ statement, line })
      const fault = faultOf(tokens, statement)
      if (fault) faults.push(fault)
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    faults.push({ kind: error.kind, line: undefined, message: error.message })
  }
  const [first, ...others] = faults
  if (first) throw scriptError([first, ...others])
  return statements
}
