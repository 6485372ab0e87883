import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { plan } from './adapter.mjs'
import type { Graph, Question } from './check.mjs'
import { judge } from './check.mjs'

const file = new URL('cases-public.json', import.meta.url)
const cases: { graphs: Graph[]; questions: Question[] } = JSON.parse(readFileSync(file, 'utf8'))

/** What is wrong with the planner's answer to a question, in a line; undefined when it is right. */
function problemWith(graph: Graph, question: Question): string | undefined {
  const { id, kind, rows = [], purge = false } = question
  const target = question.targets ?? question.range ?? question.target ?? null
  const answer = plan(graph, rows, kind, target, purge ? { purge } : {})
  const { verdict, why } = judge(graph, question, answer)
  if (verdict === 'pass' || verdict === 'alternative') return undefined
  return `${verdict} ${id}: ${kind} ${JSON.stringify(target)} with rows ${JSON.stringify(rows)}: ${why}`
}

describe('the planner agrees with Alembic 1.19.1', () => {
  test.each(cases.graphs)('on $id, $title', (graph) => {
    const questions = cases.questions.filter((question) => question.graph === graph.id)
    expect(questions.length).toBeGreaterThan(0)
    const problems = questions.map((question) => problemWith(graph, question))
    expect(problems.filter((problem) => problem !== undefined)).toEqual([])
  })

  test('as the checker finds on its own', () => {
    const args = ['check.mjs', 'cases-public.json', '--adapter', './adapter.mjs']
    const output = execFileSync(process.execPath, args, { cwd: import.meta.dirname })
    const score: Record<string, unknown> = JSON.parse(String(output))
    expect(score).toMatchObject({ set: 'public' })
    expect(score).not.toHaveProperty('fail')
    expect(score).not.toHaveProperty('weak')
  })
})
