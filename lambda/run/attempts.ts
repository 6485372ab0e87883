import type { RunStep } from './runner-context.ts'

/** How often each revision was run in this run of the function, whatever made it run again. */
export class Attempts {
  readonly #made = new Map<string, number>()

  /** Counts an attempt; returns its number, from 1. */
  next({ revision, direction }: RunStep): number {
    const key = `${direction} ${revision}`
    const number = (this.#made.get(key) ?? 0) + 1
    this.#made.set(key, number)
    return number
  }
}
