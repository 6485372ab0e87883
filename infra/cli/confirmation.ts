import { createInterface } from 'node:readline/promises'
import { CommandError } from '../../lambda/errors.ts'
import type { Output } from './output.ts'

/** Asks on a terminal; without one nobody can answer, and `refusal` says what to do instead. */
export async function confirmed(
  output: Output,
  question: string,
  refusal: string,
): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw new CommandError('NotConfirmed', refusal)
  const { promise: interrupted, resolve } = Promise.withResolvers<string>()
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D are a no.
  lines.once('SIGINT', () => resolve('')).once('close', () => resolve(''))
  try {
    const answer = await Promise.race([
      lines.question(`${question} [y/N] `).catch(() => ''),
      interrupted,
    ])
    if (/^y(es)?$/i.test(answer.trim())) return true
    output.note('nothing was run')
    return false
  } finally {
    lines.close()
  }
}
