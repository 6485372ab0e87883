import { CommandError } from '../../lambda/errors.ts'
import { installOfLocalPackages } from '../own-package.ts'

/**
 * Loads local Aurora, whose packages a project installs only when it runs revisions on a developer's machine.
 *
 * @throws CommandError that says what to install
 */
export async function loadLocalAurora(): Promise<typeof import('../local/local-aurora.ts')> {
  return await import('../local/local-aurora.ts').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const [name = 'a package'] = /'[^']+'/.exec(cause.message) ?? []
    throw new CommandError(
      'LocalPackages',
      `local Aurora needs ${name}, which is not installed: run '${installOfLocalPackages()}', or name another place with --function or --cluster-arn`,
      { cause },
    )
  })
}
