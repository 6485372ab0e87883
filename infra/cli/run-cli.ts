import { CommanderError } from 'commander'
import { EXIT } from './exit-code.ts'
import { program } from './program.ts'

/** Carries out one command line, without the name of the program, and sets the exit code. */
export async function runCli(args: readonly string[]): Promise<void> {
  try {
    await program().parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    const isAnswer = error.code === 'commander.helpDisplayed' || error.code === 'commander.version'
    process.exitCode = isAnswer ? EXIT.ok : EXIT.usage
  }
}
