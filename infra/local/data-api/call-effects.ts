/** What an injected fault does in the middle of a call; all absent in a call without a fault. */
export interface CallEffects {
  /** Runs once the backend is known and before the call uses it. */
  readonly onBackend?: (pid: number) => Promise<void>
  /** The statement hits the time limit of a call, however fast it is. */
  readonly timeOut?: boolean
  /** From now on, no other call finds the transaction that this one commits or rolls back. */
  readonly hideTransaction?: boolean
  /** A new connection finds the secret's password changed. */
  readonly rejectPassword?: boolean
}
