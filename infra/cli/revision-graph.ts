import { CommandError } from '../../lambda/errors.ts'
import type { RevisionNode } from '../../lambda/revisions/revision-graph.ts'
import { RevisionMap } from '../../lambda/revisions/revision-map.ts'
import type { Place } from './place.ts'

/** The revisions of a place. */
export interface Graph {
  readonly map: RevisionMap
  /** In file order. */
  readonly nodes: readonly RevisionNode[]
  /** Rows of the version table, when the database was asked. */
  readonly rows: readonly string[]
  doc(id: string): string
  file(id: string): string | undefined
}

/** Reads the revisions of a place, and its version rows if `database` says so. */
export async function readGraph(
  place: Place,
  { database = false }: { readonly database?: boolean } = {},
): Promise<Graph> {
  const response = await place.send({ command: 'history', database, limit: 1 })
  if (!('runs' in response)) {
    const { kind, message } = ('error' in response && response.error) || {
      kind: 'Error',
      message: '',
    }
    throw new CommandError(kind, message)
  }
  const reports = response.revisions.toSorted((a, b) => ((a.file ?? '') < (b.file ?? '') ? -1 : 1))
  const byId = new Map(reports.map((report) => [report.revision, report]))
  return {
    map: new RevisionMap(reports),
    nodes: reports,
    rows: response.current,
    doc: (id) => byId.get(id)?.doc ?? '',
    file: (id) => byId.get(id)?.file,
  }
}
