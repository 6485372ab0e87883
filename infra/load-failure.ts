import { CommandError } from '../lambda/errors.ts'
import { sourceFrames } from '../lambda/source-frames.ts'
import { asError, messageOf } from '../lambda/thrown.ts'

/** Throws what the code of revision files threw when their bundle was loaded as a {@link CommandError} that names file and line. */
export function refuseLoad(thrown: unknown, bundle: string, migrations: string): never {
  const cause = asError(thrown)
  if (cause instanceof CommandError) throw cause
  const [frame] = sourceFrames(cause.stack ?? '', bundle)
  const at = frame ? ` at ${frame.file}:${frame.line}` : ''
  throw new CommandError(
    'Bundle',
    `the revisions of ${migrations} cannot be loaded${at}: ${messageOf(cause)}`,
    { cause },
  )
}
