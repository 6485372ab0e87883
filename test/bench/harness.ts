import { readFileSync } from 'node:fs'

/** What `measuredRun` asks for. */
export interface HarnessRequest {
  /** The module to load. */
  readonly file: string
  /** Its exported function; none: the module is only loaded. */
  readonly name?: string
  readonly args: readonly unknown[]
  /** How often it is called in the process: the first time cold, then warm. */
  readonly times: number
}

/** What it measured, in milliseconds. */
export interface HarnessAnswer {
  /** `Date.now()` just before the module was loaded. */
  readonly startedAt: number
  readonly importMs: number
  readonly runs: readonly { readonly ms: number; readonly cpuMs: number }[]
  /** Of the whole process, in MiB. */
  readonly peakMiB: number
  /** What the last call answered. */
  readonly answer?: unknown
}

/** Loads a module in this fresh process, runs its function and tells what that took. */
async function measure({ file, name, args, times }: HarnessRequest): Promise<HarnessAnswer> {
  const startedAt = Date.now()
  const began = performance.now()
  const module = (await import(file)) as Record<string, (...args: unknown[]) => unknown>
  const importMs = performance.now() - began
  const runs: { ms: number; cpuMs: number }[] = []
  let answer: unknown
  for (let i = 0; name !== undefined && i < times; i += 1) {
    const cpu = process.cpuUsage()
    const called = performance.now()
    answer = await module[name]?.(...args)
    const ms = performance.now() - called
    const { user, system } = process.cpuUsage(cpu)
    runs.push({ ms, cpuMs: (user + system) / 1000 })
  }
  return { startedAt, importMs, runs, peakMiB: peakMiB(), answer }
}

function peakMiB(): number {
  try {
    // Linux adds to `maxRSS` what the process held before `exec`, which is its parent's memory.
    const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    if (kib !== undefined) return Number(kib) / 1024
  } catch {
    // No Linux.
  }
  return process.resourceUsage().maxRSS / 1024
}

// Nobody is there any more to hear the answer.
process.once('disconnect', () => process.exit(1))
try {
  const answer = await measure(JSON.parse(process.argv[2] ?? '') as HarnessRequest)
  process.send?.(answer, () => process.exit())
} catch (error) {
  console.error(error)
  process.exit(1)
}
