import { pathToFileURL } from 'node:url'

/** Runs the bundle given on the command line, and tells when it begins and what it answers. */
const { invoke } = (await import(pathToFileURL(process.argv[2] as string).href)) as {
  invoke: (event: unknown) => Promise<unknown>
}
process.stdout.write('begun\n')
process.stdout.write(`answer ${JSON.stringify(await invoke({ command: 'upgrade' }))}\n`)
process.exit(0)
