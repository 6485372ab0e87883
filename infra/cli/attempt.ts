import { errorReport } from '../../lambda/commands.ts'
import { CommandError, UnknownOutcome } from '../../lambda/errors.ts'
import { messageOf } from '../../lambda/thrown.ts'
import { EarlyExit, type Ending } from './early-exit.ts'
import { EXIT } from './exit-code.ts'
import { Output } from './output.ts'
import type { Place } from './place.ts'
import { type PlaceOptions, placeOf } from './place-options.ts'

/** What one command works with. */
export interface Scope {
  readonly place: Place
  readonly output: Output
}

/**
 * Carries out one command where its options say, and sets the exit code; what goes wrong becomes one line on the
 * standard error.
 */
export async function attempt(
  options: PlaceOptions & { readonly json?: boolean; readonly verbose?: boolean },
  work: (scope: Scope) => Promise<number>,
): Promise<void> {
  const { json = false } = options
  const output = new Output({ json })
  using _ = new EarlyExit(output, COMMAND_ENDED)
  try {
    await using place = placeOf(options, output)
    process.exitCode = await work({ place, output })
  } catch (error) {
    output.onlyFailure({ ...errorReport(error, options), message: messageOf(error) })
    process.exitCode = exitCodeOfError(error)
  }
}

const COMMAND_ENDED: Ending = {
  kind: 'ProcessEnded',
  message: 'the process ended before the command did, and its outcome is not known: run it again',
  code: EXIT.failed,
}

function exitCodeOfError(error: unknown): number {
  if (error instanceof CommandError) return EXIT.usage
  return error instanceof UnknownOutcome ? EXIT.unknown : EXIT.failed
}
