/** Names work as a message does, after "returned without"; `undefined` when there is none. */
export type ShownWork = () => string | undefined

/**
 * What a revision has prepared and not sent: a builder without `.execute()`, a template that nothing runs, changes of an
 * entity manager without a flush. It would be lost, and the revision would count as done.
 */
export class UnsentWork {
  readonly #noted = new Set<ShownWork>()

  /** Takes note of work. Call what it returns when the work is sent, or has become part of other work. */
  note(shown: ShownWork): () => void {
    this.#noted.add(shown)
    return () => void this.#noted.delete(shown)
  }

  /** Each piece of work that is left, oldest first. */
  left(): string[] {
    return [...this.#noted].flatMap((shown) => shown() ?? [])
  }
}
