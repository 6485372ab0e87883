import type { SqlEntityManager } from '@mikro-orm/sql'
import { unflushedChanges } from './unflushed-changes.ts'

/** Only so many are kept from the garbage collector: a session for each of many chunks must not keep all entities. */
const MOST_HELD = 10

/** The entity managers of a revision, forks as well, to find the changes that none of them has flushed. */
export class OrmSessions {
  readonly #isBusy: () => boolean
  readonly #all = new Set<WeakRef<SqlEntityManager>>()
  readonly #held = new Set<SqlEntityManager>()
  readonly #forksOfTransactions = new WeakSet<SqlEntityManager>()
  /** What a flush failed to send. The revision has got its error, and goes on only after a rollback to a savepoint. */
  readonly #failed = new WeakMap<SqlEntityManager, ReadonlySet<string>>()
  /** Until the next flush, what their entities hold was meant to be dropped. */
  readonly #rolledBack = new WeakSet<SqlEntityManager>()

  /** `isBusy`: whether one of them is at work, so that none may be looked into. */
  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy
  }

  add(em: SqlEntityManager): void {
    this.#all.add(new WeakRef(em))
    if (this.#held.size >= MOST_HELD && !this.#isBusy()) this.#letOneGo()
    this.#held.add(em)
  }

  /** Makes a call of one of them with these arguments, and takes note of what it does to the changes. */
  around<T>(
    name: string,
    em: SqlEntityManager,
    args: readonly unknown[],
    call: (args: readonly unknown[]) => Promise<T>,
  ): Promise<T> {
    if (name === 'transactional') return this.#transaction(em, args, call)
    if (name === 'flush' || name === 'commit') return this.#flush(em, () => call(args))
    if (name === 'rollback') this.#rolledBack.add(em)
    return call(args)
  }

  async #flush<T>(em: SqlEntityManager, flush: () => Promise<T>): Promise<T> {
    this.#rolledBack.delete(em)
    this.#failed.delete(em)
    try {
      return await flush()
    } catch (error) {
      this.#failed.set(em, new Set(unflushedChanges(em)))
      throw error
    }
  }

  /** The fork of a transaction needs no look: its end flushes the changes, or drops them. */
  async #transaction<T>(
    em: SqlEntityManager,
    [work, ...options]: readonly unknown[],
    call: (args: readonly unknown[]) => Promise<T>,
  ): Promise<T> {
    const inFork = (fork: SqlEntityManager): unknown => {
      if (fork !== em) {
        this.#held.delete(fork)
        this.#forksOfTransactions.add(fork)
      }
      return (work as (em: SqlEntityManager) => unknown)(fork)
    }
    try {
      return await call([inFork, ...options])
    } catch (error) {
      this.#rolledBack.add(em)
      throw error
    }
  }

  /** The changes that are not flushed, such as `Team 1 (name)`. Nothing is sent to find them. */
  unflushed(): string[] {
    const all = [...this.#all].flatMap((weak) => weak.deref() ?? [])
    return all
      .filter((em) => !this.#forksOfTransactions.has(em) && !this.#rolledBack.has(em))
      .flatMap((em) => unflushedChanges(em).filter((change) => !this.#failed.get(em)?.has(change)))
  }

  /** The oldest without changes. If it gets changes later, they are found as long as something refers to it. */
  #letOneGo(): void {
    const clean = [...this.#held].find((em) => unflushedChanges(em).length === 0)
    if (clean !== undefined) this.#held.delete(clean)
  }
}
