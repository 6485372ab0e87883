import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { invokeAsLambda } from '../lambda-stand-in.ts'

/** One invocation of a function of a bundle: module and export on the command line, the event on the standard input. */
const [file = '', name = ''] = process.argv.slice(2)
const handler = (await import(pathToFileURL(file).href))[name]
const { Payload, FunctionError } = await invokeAsLambda(handler, await text(process.stdin))
const answer = { ok: FunctionError === undefined, payload: JSON.parse(String(Payload)) }
process.stdout.write(`answer ${JSON.stringify(answer)}\n`, () => process.exit(0))
