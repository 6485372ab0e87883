import type { BenchAurora, Front } from './bench-aurora.ts'
import { type Measured, measuredRun, type Program } from './measured-run.ts'

/** How much is measured. */
export interface BenchSizes {
  /** Milliseconds added to each call, the least first. */
  readonly latencies: readonly number[]
  /** Whether PostgreSQL waits for its disk. */
  readonly durability: boolean
  /** Runs of each measurement, of which the median counts. */
  readonly repeat: number
  readonly revisions: number
  readonly rows: number
  /** Rows that are inserted one by one, at the least latency and at more. */
  readonly perRowSample: readonly [number, number]
  readonly planned: readonly number[]
  /** Runs of each bundle for the cold start. */
  readonly coldStarts: number
}

/** What the work items share. */
export interface Bench {
  readonly aurora: BenchAurora
  readonly sizes: BenchSizes
  /** Folder for bundles and the like. */
  readonly work: string
  readonly harness: string
  /** Peak memory of the processes at the least latency, by what they did. */
  readonly memory: Map<string, number[]>
}

export type Cell = string | number

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Lines below it. */
  readonly notes?: readonly string[]
}

/** A goal of the issue, and what this run says to it. */
export interface Goal {
  readonly work: string
  readonly goal: string
  readonly measured: string
  readonly met: boolean
}

/** One work item of the benchmark, measured. */
export interface Section {
  readonly title: string
  readonly about: readonly string[]
  readonly tables: readonly Table[]
  readonly goals: readonly Goal[]
}

/** One run in a fresh process. */
export function runOnce(
  { harness }: Bench,
  program: Program,
  front: Front,
  database: string,
): Promise<Measured> {
  return measuredRun(harness, program, front, database)
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** The median over some runs of one number of each. */
export function medianOf<T>(runs: readonly T[], value: (run: T) => number): number {
  return median(runs.map(value))
}

/** A number for people: three digits where it is small. */
export function shown(value: number): string {
  if (Number.isNaN(value)) return '–'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en')
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** What an error says, in one line that a table has room for. */
export function shortly(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n')[0] ?? '').slice(0, 160)
}
