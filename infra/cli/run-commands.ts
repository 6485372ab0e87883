import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import type { ScriptReport } from '../../lambda/commands.ts'
import type { InvokeResponse } from '../../lambda/handlers/index.ts'
import type { InvokeEvent } from '../../lambda/handlers/invoke-request.ts'
import type { Report } from '../../lambda/run/report.ts'
import { EarlyExit, type Ending } from './early-exit.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { Interrupts } from './interrupts.ts'
import type { Output } from './output.ts'
import { isRun, type Place } from './place.ts'

/** Of the commands that change the database. */
export interface RunOptions {
  readonly json?: boolean
}

type RunEvent = Extract<InvokeEvent, { command: 'upgrade' | 'downgrade' | 'stamp' }>

/** So many lives in which nothing was done are no waiting any more. */
const MOST_IDLE_LIVES = 3

/** Carries out `upgrade`, `downgrade` or `stamp`, and tells how it ended; answers the exit code. */
export async function run(
  place: Place,
  event: RunEvent,
  output: Output,
  { json = false }: RunOptions,
): Promise<number> {
  const response = await carryOut(place, identified(event), output)
  if (json) output.json(response)
  else tell(response, output)
  if ('error' in response && response.error) output.failure(response.error)
  return exitCodeOf(response)
}

function identified(event: RunEvent): RunEvent {
  const who = person()
  return isRun(event) ? { runId: randomUUID(), who, ...event } : { who, ...event }
}

function person(): string | undefined {
  try {
    return process.env.USER || process.env.USERNAME || userInfo().username
  } catch {
    // A container may run as a user that nobody has named.
    return undefined
  }
}

async function carryOut(place: Place, event: RunEvent, output: Output): Promise<InvokeResponse> {
  if (!isRun(event)) return await place.send(event)
  using _ = output.working()
  using exit = new EarlyExit(output, RUN_ENDED)
  using interrupts = new Interrupts(output, exit, place.interruption)
  let whole: Report | undefined
  let next = event
  for (let idle = 0; idle < MOST_IDLE_LIVES; ) {
    const response = await place.send(next, interrupts.signal)
    if (!('steps' in response)) return response
    for (const warning of response.warnings) output.warn(warning)
    whole = whole ? following(whole, response) : response
    if (response.status !== 'incomplete' || interrupts.signal.aborted) return whole
    idle = response.steps.length > 0 ? 0 : idle + 1
    output.note(`not finished in ${place.life}: going on`)
    // A stamp has no relative targets.
    if (event.command !== 'stamp')
      next = { ...event, target: response.resume ?? event.target } as RunEvent
  }
  return whole as Report
}

const RUN_ENDED: Ending = {
  kind: 'ProcessEnded',
  message:
    'the process ended before the run did, as by process.exit() or an error in the code of a revision file: the database rolls back what was at work; run the same command again, it finds out and goes on',
  code: EXIT.unknown,
}

/** The report of a run that had two lives. */
function following(first: Report, second: Report): Report {
  return {
    ...second,
    from: first.from,
    steps: [...first.steps, ...second.steps],
    warnings: [...new Set([...first.warnings, ...second.warnings])],
  }
}

function tell(response: InvokeResponse, output: Output): void {
  if ('script' in response) {
    const { script = '', warnings = [] } = response as ScriptReport
    output.script(script)
    for (const warning of warnings) output.warn(warning)
  }
  if (!('steps' in response)) return
  const { status, from, to, steps, pending } = response
  if (steps.length > 0) output.print(`from ${rows(from)} to ${rows(to)}`)
  else if (status === 'succeeded') output.print(`nothing to do: at ${rows(to)}`)
  if (status === 'incomplete') {
    output.print(`not finished: left are ${pending.join(', ')}; the same command goes on`)
  }
}

function rows(ids: readonly string[]): string {
  return ids.join(', ') || 'base'
}
