/** The parts of the recorded cases that the tests look at. */
export interface Graph {
  readonly id: string
  readonly title: string
}

export interface Question {
  readonly id: string
  readonly graph: string
  readonly kind: string
  readonly rows?: readonly string[]
  readonly target?: string
  readonly targets?: readonly string[]
  readonly range?: string
  readonly purge?: boolean
}

export type Answer = Readonly<Record<string, unknown>>

export interface Judgement {
  readonly verdict: 'pass' | 'alternative' | 'weak' | 'fail'
  readonly why?: string
}

export function judge(graph: Graph, question: Question, answer: Answer): Judgement
