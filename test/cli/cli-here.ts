import { vi } from 'vitest'
import { runCli } from '../../infra/cli/run-cli.ts'
import type { CliResult } from './cli-process.ts'

/** Runs the program in this process, which is quicker; its environment is this one's. */
export async function cliHere(args: readonly string[]): Promise<CliResult> {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += String(chunk)
      return true
    }),
  )
  const before = process.exitCode
  try {
    await runCli(args)
    return { code: Number(process.exitCode ?? 0), ...written }
  } finally {
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
  }
}
