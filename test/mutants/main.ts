import { stripTypeScriptTypes } from 'node:module'
import path from 'node:path'
import { MUTANTS } from './list.ts'
import { type Mutant, mutated } from './mutant.ts'
import { ScratchCheckout } from './scratch-checkout.ts'
import { SharedPostgres } from './shared-postgres.ts'
import { failingFiles, isSlow, runTests } from './test-run.ts'

type Result = 'killed' | 'SURVIVED'

/** Puts one fault after the other into a copy of the checkout, and says which of them the tests notice. */
async function main(wanted: readonly string[]): Promise<number> {
  const chosen = MUTANTS.filter((mutant) => isWanted(mutant, wanted))
  if (chosen.length === 0) {
    console.error(`no mutant has ${wanted.join(' or ')} in its file or its fault`)
    return 2
  }
  const scratch = new ScratchCheckout()
  const inPlace = chosen.filter((mutant) => isInPlace(scratch, mutant))
  await using postgres = await SharedPostgres.start(path.join(scratch.directory, '.aurora'))
  const failing = await failingWithout(scratch, inPlace)
  const applicable = inPlace.filter((mutant) => hasPassingTests(mutant, failing))
  const results: Result[] = []
  for (const mutant of applicable) {
    await postgres.clear()
    results.push(await tried(scratch, mutant))
  }
  const killed = results.filter((result) => result === 'killed').length
  console.log(
    `${chosen.length} mutants: ${killed} killed, ${results.length - killed} SURVIVED, ${chosen.length - applicable.length} NOT APPLICABLE`,
  )
  return killed === chosen.length ? 0 : 1
}

function isWanted(mutant: Mutant, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((text) => named(mutant).includes(text))
}

/** The test files that fail without any mutant. */
async function failingWithout(
  scratch: ScratchCheckout,
  mutants: readonly Mutant[],
): Promise<readonly string[]> {
  const files = [...new Set(mutants.flatMap(({ tests }) => tests))]
  console.log(`${mutants.length} mutants; first ${files.length} test files without any`)
  const failing: string[] = []
  for (const slow of [false, true]) {
    const some = files.filter((file) => isSlow(file) === slow)
    if (some.length > 0) failing.push(...(await failingFiles(scratch.directory, some)))
  }
  return failing
}

/** Says so of a mutant whose tests fail anyway: they notice nothing. */
function hasPassingTests(mutant: Mutant, failing: readonly string[]): boolean {
  const red = mutant.tests.filter((file) => failing.includes(file))
  if (red.length === 0) return true
  console.log(`NOT APPLICABLE  ${named(mutant)}: ${red.join(', ')} fails without it`)
  return false
}

async function tried(scratch: ScratchCheckout, mutant: Mutant): Promise<Result> {
  const started = performance.now()
  const outcome = await withFault(scratch, mutant, () => runTests(scratch.directory, mutant.tests))
  const seconds = Math.round((performance.now() - started) / 1000)
  if (outcome === 'passed') {
    console.log(`SURVIVED  ${named(mutant)}: ${mutant.tests.join(', ')} passed (${seconds} s)`)
    return 'SURVIVED'
  }
  console.log(`killed    ${named(mutant)}: the tests ${outcome} (${seconds} s)`)
  return 'killed'
}

/** Does `work` while the fault is in its file. */
async function withFault<T>(
  scratch: ScratchCheckout,
  mutant: Mutant,
  work: () => Promise<T>,
): Promise<T> {
  const source = scratch.read(mutant.file)
  scratch.write(mutant.file, mutated(source, mutant))
  try {
    return await work()
  } finally {
    scratch.write(mutant.file, source)
  }
}

/** Says so of a mutant whose text has changed or is gone: nothing is proved by leaving it out. */
function isInPlace(scratch: ScratchCheckout, mutant: Mutant): boolean {
  try {
    // What is no TypeScript would be noticed by every test.
    stripTypeScriptTypes(mutated(scratch.read(mutant.file), mutant))
    return true
  } catch (error) {
    console.log(`NOT APPLICABLE  ${named(mutant)}: ${(error as Error).message}`)
    return false
  }
}

function named({ file, fault }: Mutant): string {
  return `${file}, ${fault}`
}

// The scratch checkout is removed when the process ends by itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main(process.argv.slice(2))
