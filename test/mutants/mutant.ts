/** One deliberate fault in the source, and the tests that have to notice it. */
export interface Mutant {
  /** What is wrong with the source then. */
  readonly fault: string
  /** From the root of the repository. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, from the root of the repository. */
  readonly tests: readonly string[]
}

type Fault = readonly [fault: string, find: string, replace: string, tests?: readonly string[]]

/** Faults of one file. `tests`: the folder and name of test files, for each fault that names none of its own. */
export function mutantsOf(
  file: string,
  tests: readonly string[],
  faults: readonly Fault[],
): readonly Mutant[] {
  return faults.map(([fault, find, replace, own]) => ({
    ...{ fault, file, find, replace },
    tests: (own ?? tests).map((name) => `test/${name}.test.ts`),
  }))
}

/** The source with the fault. Throws an error that says why the mutant does not apply to it. */
export function mutated(source: string, { find, replace }: Mutant): string {
  const times = source.split(find).length - 1
  if (times !== 1) throw new Error(`its text occurs ${times} times and must occur once: ${find}`)
  return source.replace(find, () => replace)
}
