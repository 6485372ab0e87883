import { Worker } from 'node:worker_threads'

const LOOK_MS = 1_000
/** The main thread may miss so many looks in a row: a machine may be busy. */
const MOST_MISSED = 3

/** Runs beside the main thread: where that does not reply, it ends the JavaScript at work there. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const { Session } = require('node:inspector')
let missed = 0
parentPort.on('message', () => { missed = 0 })
const look = () => {
  if (missed >= workerData.mostMissed) {
    const session = new Session()
    session.connectToMainThread()
    session.post('Runtime.terminateExecution')
  }
  missed += 1
  parentPort.postMessage('look')
}
setTimeout(() => { look(); setInterval(look, workerData.lookMs) }, workerData.afterMs)
`

/**
 * Ends JavaScript that does not let go of the thread when the time is up, such as a loop without an end: no timer and no
 * signal handler of this process runs before. What waits for its result then runs out of time, and is reported.
 */
export class Watchdog implements Disposable {
  readonly #worker: Worker

  constructor(afterMs: number) {
    const workerData = { afterMs, lookMs: LOOK_MS, mostMissed: MOST_MISSED }
    this.#worker = new Worker(PROGRAM, { eval: true, workerData })
    this.#worker.on('message', () => this.#worker.postMessage('here'))
    // Without it a loop without an end has no end, which is no reason to stop.
    this.#worker.on('error', () => {})
    this.#worker.unref()
  }

  [Symbol.dispose](): void {
    void this.#worker.terminate()
  }
}
