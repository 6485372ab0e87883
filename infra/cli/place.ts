import type { InvokeResponse } from '../../lambda/handlers/index.ts'
import type { InvokeEvent } from '../../lambda/handlers/invoke-request.ts'

/**
 * Where commands run: all of them take the events of the `invoke` handler, so that a command is the same one on local
 * Aurora, in the deployed function, and with one's own credentials.
 */
export interface Place extends AsyncDisposable {
  /** As messages call it. */
  readonly name: string
  /** What is said at the first Ctrl-C during a run, and at the second one, which leaves at once. */
  readonly interruption: { readonly first: string; readonly second: string }
  /** How long one of several runs may take that go on from each other, as messages call it. */
  readonly life: string
  /**
   * Carries out a command. Throws a `CommandError` when it could not be begun, `UnknownOutcome` when nobody knows what
   * became of it.
   *
   * `stop`: aborted when a run is to end after the revision at work.
   */
  send(event: InvokeEvent, stop?: AbortSignal): Promise<InvokeResponse>
}

/** Commands that change the database, and take a while. */
export function isRun(event: InvokeEvent): boolean {
  const { command } = event
  const moves = command === 'upgrade' || command === 'downgrade' || command === 'stamp'
  return moves && !event.sql
}
