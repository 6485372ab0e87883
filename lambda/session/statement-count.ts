/** What the statements of one revision came to. */
export class StatementCount {
  /** How many ran. */
  statements = 0
  /** How many rows they inserted, updated or deleted. */
  rows = 0
  /** How many more are put off. */
  putOff = 0
  /** Whether one that was put off failed, when its turn came. */
  hasFailed = false

  /** A statement ran; answers the rows that it changed. */
  ran(rows: number): number {
    this.statements += 1
    this.rows += rows
    return rows
  }
}
