/** What the file system says when a path cannot be used, and how a person gets on. */
const PROBLEMS: Readonly<Record<string, string>> = {
  EEXIST: 'is no folder: move the file away, or choose another --directory',
  ENOTDIR: 'is no folder: move the file away, or choose another --directory',
  EISDIR: 'is a folder where a file should be: remove it, or choose another --directory',
  EACCES: 'is closed to this user: open it, or choose another --directory',
  EPERM: 'belongs to another user: have it given to you, or choose another --directory',
  EROFS: 'cannot be written to: choose another --directory',
}

/** Does `work` on a path of local Aurora's folder; a refusal of the file system becomes one line with the fix. */
export function onPath<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    const problem = PROBLEMS[code]
    if (problem === undefined) throw cause
    throw new Error(`Local Aurora cannot use ${path}: it ${problem} (${code})`, { cause })
  }
}
