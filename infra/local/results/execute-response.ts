import type { QueryOutcome } from '../data-api/bound-query.ts'
import { unsupportedResult } from '../service-error.ts'
import { columnMetadata } from './column-metadata.ts'
import { fieldJson, plainJson, type ResultSetOptions } from './field-json.ts'
import type { ResultType } from './result-types.ts'

export interface ResponseOptions extends ResultSetOptions {
  readonly includeResultMetadata: boolean
  readonly formatRecordsAs: 'NONE' | 'JSON'
}

/** The body of ExecuteStatement's answer, as JSON text. */
export function executeResponse(
  outcome: QueryOutcome,
  types: readonly ResultType[],
  options: ResponseOptions,
): string {
  if (outcome.columns === undefined) {
    return `{"generatedFields":[],"numberOfRecordsUpdated":${updatedRecords(outcome.tag)}}`
  }
  const unsupported = types.find(({ kind }) => kind === 'unsupported')
  if (unsupported !== undefined) {
    throw unsupportedResult(
      `The result contains the unsupported data type ${unsupported.displayName}.`,
    )
  }
  if (options.formatRecordsAs === 'JSON') return formattedResponse(outcome, types, options)
  const rows = outcome.rows.map((row) => {
    const fields = row.map((text, index) => fieldJson(text, typeAt(types, index), options))
    return `[${fields}]`
  })
  return `{${metadataMember(outcome, types, options)}"numberOfRecordsUpdated":0,"records":[${rows}]}`
}

function metadataMember(
  { columns = [] }: QueryOutcome,
  types: readonly ResultType[],
  options: ResponseOptions,
): string {
  if (!options.includeResultMetadata) return ''
  const metadata = columns.map((column, index) => columnMetadata(column, typeAt(types, index)))
  return `"columnMetadata":${JSON.stringify(metadata)},`
}

/** `formatRecordsAs: JSON`: one string with an object per row, and neither records nor metadata. */
function formattedResponse(
  { columns = [], rows }: QueryOutcome,
  types: readonly ResultType[],
  options: ResponseOptions,
): string {
  const keys = columns.map(({ name }) => JSON.stringify(name))
  const objects = rows.map((row) => {
    const members = row.map(
      (text, index) => `${keys[index]}:${plainJson(text, typeAt(types, index), options)}`,
    )
    return `{${members}}`
  })
  return `{"formattedRecords":${JSON.stringify(`[${objects}]`)},"numberOfRecordsUpdated":0}`
}

/** Rows a data-changing statement touched; every other command counts none. */
function updatedRecords(tag: string): number {
  return Number(/^(?:INSERT \d+|UPDATE|DELETE|MERGE) (\d+)$/.exec(tag)?.[1] ?? 0)
}

function typeAt(types: readonly ResultType[], index: number): ResultType {
  const type = types[index]
  if (type === undefined) throw new Error(`The result has no type for column ${index + 1}`)
  return type
}
