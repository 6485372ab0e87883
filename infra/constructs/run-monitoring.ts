import { Duration } from 'aws-cdk-lib'
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch'
import type { Construct } from 'constructs'
import {
  type METRICS,
  METRICS_DIMENSION,
  METRICS_NAMESPACE,
} from '../../lambda/handlers/run-metrics.ts'

/** A figure that every run writes; the unit of `Duration` is milliseconds. */
export type RunMetricName = keyof typeof METRICS

const STATISTICS: Record<RunMetricName, string> = {
  Runs: cloudwatch.Stats.SUM,
  Failures: cloudwatch.Stats.SUM,
  Duration: cloudwatch.Stats.MAXIMUM,
  DataApiCalls: cloudwatch.Stats.SUM,
  PendingRevisions: cloudwatch.Stats.MAXIMUM,
}

export function runMetric(
  dimension: string,
  metricName: RunMetricName,
  options: cloudwatch.MetricOptions = {},
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: METRICS_NAMESPACE,
    metricName,
    dimensionsMap: { [METRICS_DIMENSION]: dimension },
    statistic: STATISTICS[metricName],
    period: Duration.minutes(5),
    ...options,
  })
}

/** An alarm for one failed run in five minutes. */
export function failureAlarm(scope: Construct, dimension: string): cloudwatch.Alarm {
  return new cloudwatch.Alarm(scope, 'FailureAlarm', {
    metric: runMetric(dimension, 'Failures'),
    threshold: 1,
    evaluationPeriods: 1,
    comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    alarmDescription: 'A run of aurora-migrations has failed: see the log groups of its functions',
  })
}

/** Runs and failures, how long they took, their Data API calls, and the revisions that are left to do. */
export function runDashboard(scope: Construct, dimension: string): cloudwatch.Dashboard {
  const graph = (title: string, ...names: RunMetricName[]) =>
    new cloudwatch.GraphWidget({
      title,
      width: 12,
      left: names.map((name) => runMetric(dimension, name)),
    })
  return new cloudwatch.Dashboard(scope, 'Dashboard', {
    widgets: [
      [graph('Runs and failures', 'Runs', 'Failures'), graph('Longest run (ms)', 'Duration')],
      [graph('Data API calls', 'DataApiCalls'), graph('Revisions left to do', 'PendingRevisions')],
    ],
  })
}
