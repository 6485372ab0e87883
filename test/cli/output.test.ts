import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { Output } from '../../infra/cli/output.ts'
import { WaitLog } from '../../lambda/run/wait-log.ts'

let written: string[]
beforeEach(() => {
  written = []
  vi.useFakeTimers()
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0)
  }
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const look = (second: number) => `waiting for another run: process 7, since ${second} s`

describe('what is waited for', () => {
  test('is a line now and then where the output is no terminal', () => {
    const output = new Output()
    for (let second = 0; second < 40; second += 1) {
      output.waiting(look(second))
      vi.advanceTimersByTime(1_000)
    }
    expect(written).toEqual([0, 15, 30].map((second) => `${look(second)}\n`))
  })

  test('is the last line of a terminal, written over until the wait is over', () => {
    const { isTTY } = process.stderr
    process.stderr.isTTY = true
    onTestFinished(() => void Object.assign(process.stderr, { isTTY }))
    const output = new Output()
    using _ = output.working()
    output.waiting(look(1))
    vi.advanceTimersByTime(1_000)
    output.waiting(look(2))
    vi.advanceTimersByTime(1_000)
    expect(written.join('')).not.toContain('\n')
    expect(written.at(-1)).toBe(`working for 2 s, 0 revisions done, ${look(2)}`.slice(0, 79))
    vi.advanceTimersByTime(10_000)
    expect(written.at(-1)).toBe('working for 12 s, 0 revisions done')
  })

  test('is a line of a log every 15 s, and one more when it is something else', () => {
    const lines: string[] = []
    const log = new WaitLog({ info: (line) => lines.push(line), warn: () => {} })
    for (let second = 0; second < 20; second += 1) {
      log.tell(look(second))
      vi.advanceTimersByTime(1_000)
    }
    log.tell('waiting for the cluster')
    expect(lines).toEqual([look(0), look(15), 'waiting for the cluster'])
  })
})

test('what others wrote cannot command the terminal', () => {
  const output = new Output()
  output.print('a\u001b[2Jb\u009bc\nd\te')
  output.note('\u0007')
  expect(written).toEqual(['a\\u001b[2Jb\\u009bc\nd\te\n', '\\u0007\n'])
})
