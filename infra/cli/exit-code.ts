import type { InvokeResponse } from '../../lambda/handlers/index.ts'

/** How the program ends, for scripts and pipelines. */
export const EXIT = {
  /** Done, or there was nothing to do. */
  ok: 0,
  /** A revision failed, or what was asked for does not hold. */
  failed: 1,
  /** The command, the configuration or the revision files are wrong, and nothing was run. */
  usage: 2,
  /** Stopped between two revisions: the same command goes on. */
  incomplete: 3,
  /** Nobody could be asked what became of the last call: the same command finds out. */
  unknown: 4,
} as const

export function exitCodeOf(response: InvokeResponse): number {
  if (response.status === 'succeeded') return EXIT.ok
  if (response.status !== 'failed') return EXIT[response.status]
  return 'error' in response && response.error?.nothingRun ? EXIT.usage : EXIT.failed
}
