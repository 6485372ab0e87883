import { type GivenColumn, type GivenRow, keyOf, OpenGroup, type RowGroup } from './row-groups.ts'

/** From here on rows with the same columns are worth a statement of their own. */
const LONG_RUN = 50

/**
 * Checks and measures rows, and divides them in the order given: a long run of rows with the same columns is a group, and
 * so is what lies between two of those, where the columns change from row to row.
 *
 * `canMix` says whether rows with these columns can be a mixture.
 *
 * @throws CommandError naming row and column.
 */
export function groupInOrder(
  rows: readonly GivenRow[],
  canMix: (columns: readonly GivenColumn[]) => boolean,
): RowGroup[] {
  const groups: RowGroup[] = []
  let short: RowGroup[] = []
  const end = () => {
    const mixture = mixed(short)
    groups.push(...(short.length > 1 && canMix(mixture.columns) ? [mixture] : short))
    short = []
  }
  for (const run of runsOf(rows)) {
    if (run.rows.length >= LONG_RUN) end()
    if (run.rows.length >= LONG_RUN) groups.push(run)
    else short.push(run)
  }
  end()
  return groups
}

/** Rows with the same columns, as long as they follow each other. */
function runsOf(rows: readonly GivenRow[]): OpenGroup[] {
  const runs: OpenGroup[] = []
  let key = ''
  for (const [index, row] of rows.entries()) {
    const last = runs.at(-1)
    // Mostly a row has the columns of the one before it, in the same order.
    if (last?.takes(row, index)) continue
    const own = keyOf(row)
    if (last && own === key) last.add(row, index)
    else runs.push(new OpenGroup(row, index))
    key = own
  }
  return runs
}

function mixed(runs: readonly RowGroup[]): RowGroup {
  const columns = new Map<string, GivenColumn>()
  for (const { name, isPlain, isJsonNull } of runs.flatMap((run) => run.columns)) {
    const wasPlain = columns.get(name)?.isPlain ?? true
    columns.set(name, { name, isJsonNull: false, isPlain: wasPlain && isPlain && !isJsonNull })
  }
  return {
    columns: [...columns.values()],
    isMixed: true,
    rows: runs.flatMap((run) => run.rows),
    indexes: runs.flatMap((run) => run.indexes),
    sizes: runs.flatMap((run) => run.sizes),
  }
}
