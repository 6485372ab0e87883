import type { Report } from '../run/report.ts'

/** CloudWatch's namespace of the metrics. */
export const METRICS_NAMESPACE = 'AuroraMigrations'

/** The one dimension; its value is the environment variable `METRICS_NAME`. */
export const METRICS_DIMENSION = 'Migrations'

/** Each metric of a run with its unit. */
export const METRICS = {
  Runs: 'Count',
  Failures: 'Count',
  Duration: 'Milliseconds',
  DataApiCalls: 'Count',
  PendingRevisions: 'Count',
} as const

/**
 * Measures one run and writes it as a line in CloudWatch's embedded metric format, from which CloudWatch makes the metrics:
 * no call, no permission.
 *
 * Written to the standard output and not through the logger, whose level would decide over the alarm. Without
 * `METRICS_NAME`, as on a developer's machine, nothing is written.
 */
export class RunMetrics {
  readonly #started = performance.now()
  #calls = 0

  /** To be told of every Data API call. */
  readonly observe = (): void => {
    this.#calls += 1
  }

  /** `pending`: how many revisions the run leaves to do. */
  write(status: Report['status'], pending: number): void {
    const name = process.env.METRICS_NAME
    if (!name) return
    const values: Record<keyof typeof METRICS, number> = {
      Runs: 1,
      Failures: status === 'failed' ? 1 : 0,
      Duration: Math.round(performance.now() - this.#started),
      DataApiCalls: this.#calls,
      PendingRevisions: pending,
    }
    const line = {
      _aws: { Timestamp: Date.now(), CloudWatchMetrics: [DIRECTIVE] },
      [METRICS_DIMENSION]: name,
      ...values,
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }
}

const DIRECTIVE = {
  Namespace: METRICS_NAMESPACE,
  Dimensions: [[METRICS_DIMENSION]],
  Metrics: Object.entries(METRICS).map(([Name, Unit]) => ({ Name, Unit })),
}
