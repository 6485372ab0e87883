/** The fence did not hold: another run has moved the database, holds the lock, or has taken this step over. */
export class FenceLost extends Error {
  override readonly name = 'FenceLost'
}
