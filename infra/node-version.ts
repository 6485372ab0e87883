import { CommandError } from '../lambda/errors.ts'
import { manifest } from './own-package.ts'

/** Throws a `CommandError` in a Node that is too old, where our dependencies fail with errors that do not say so. */
export function checkNodeVersion(version: string = process.versions.node): void {
  const least = manifest().engines.node.replace(/^>=/, '')
  if (version.localeCompare(least, 'en', { numeric: true }) >= 0) return
  throw new CommandError(
    'NodeVersion',
    `this is Node ${version}, and aurora-migrations needs ${least} or newer: install a newer one, or 'npm install --save-dev node@24' for this project alone`,
  )
}
