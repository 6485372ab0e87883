export {
  AuroraMigrations,
  type AuroraMigrationsProps,
  type PipelineActionOptions,
} from './constructs/aurora-migrations.ts'
export type { DatabaseProps } from './constructs/database-access.ts'
export type { RunOnDeployOptions } from './constructs/on-deploy.ts'
export { MigrationsStep } from './constructs/pipeline-step.ts'
export type { RunMetricName } from './constructs/run-monitoring.ts'
export type { RunSettings } from './constructs/run-settings.ts'
