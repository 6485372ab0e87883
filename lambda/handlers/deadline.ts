import { timeFor } from '../run/step-time.ts'

/** Time to write the report and to answer. */
const ANSWER_MS = 2_000

/** When a run that has so much time must have its report, in epoch milliseconds. */
export function deadlineOf(remainingMs: number): number {
  return Date.now() + remainingMs - ANSWER_MS
}

/** The time of a run in which a revision may work for `workMs`. */
export function remainingFor(workMs: number): number {
  return timeFor(workMs) + ANSWER_MS
}
