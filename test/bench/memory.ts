import { type Bench, median, runOnce, type Section, shown } from './bench.ts'

/** (h) The peak memory of the processes of (c) and (d). */
export async function memory(bench: Bench): Promise<Section> {
  const bare: number[] = []
  for (let i = 0; i < bench.sizes.repeat; i += 1) {
    const program = { file: 'node:path' }
    bare.push((await runOnce(bench, program, bench.aurora.nearest, 'postgres')).peakMiB)
  }
  const rows = [...bench.memory].map(([name, peaks]) => {
    const peak = median(peaks)
    return [name, shown(peak), shown(peak - median(bare))]
  })
  return {
    title: '(h) Peak memory',
    about: [
      `Peak resident set of the process that did it, at ${bench.aurora.nearest.latencyMs} ms latency. All rows are in memory before they are inserted, as those of a revision are.`,
    ],
    tables: [
      {
        title: 'MiB',
        columns: ['', 'peak', 'above a bare Node'],
        rows: [['Node alone', shown(median(bare)), ''], ...rows],
      },
    ],
    goals: [],
  }
}
