import type { Answer, Graph } from './check.mjs'

export function plan(
  graph: Graph,
  currentRows: readonly string[],
  command: string,
  target: string | readonly string[] | null,
  options: { readonly purge?: boolean },
): Answer
