import type { SqlParameter } from '@aws-sdk/client-rds-data'
import type { DataApiResult, DataApiStatement } from '../data-api/data-api.ts'
import { asksForRows, decodeRows, forRows } from '../data-api/values.ts'
import { qualified } from '../sql/qualified.ts'
import type { StatementFacts } from '../sql/statement.ts'
import { enclosed } from './enclosed-statement.ts'

/**
 * How much of the service's 1 MiB an answer takes. A larger one does not only fail: it ends the transaction. The rest is
 * room for what the service may count differently.
 */
const ANSWER_BYTES = 900_000
/** As base64, which adds a third and line breaks, this fits into {@link ANSWER_BYTES}. */
const PART_BYTES = 660_000
/** At most so many characters does {@link keepingStatement} add to a statement. */
export const ROOM_FOR_KEEPING = 4_096
/** The setting of the transaction that keeps a part; the number of the part follows. */
const PART = 'aurora_migrations.part_'

/** The rows of a statement that ran, as text (see `result-text.ts`), in parts that the transaction keeps. */
export interface KeptRows {
  readonly parts: number
  /** The first part. It is the text if there are no others, and base64 if there are. */
  readonly first: string
}

/**
 * The statement that runs another one, once, and keeps its rows for the time of the transaction.
 *
 * It returns one row: how many parts there are, and the first one. Each other part becomes a setting of the
 * transaction. So the number of rows, their size, and the names and types of their columns do not matter to the call.
 */
export function keepingStatement(
  facts: StatementFacts,
  parameters: readonly SqlParameter[],
): DataApiStatement {
  const inner = enclosed(facts, parameters)
  return forRows(inner.with(rowsAsText(inner.rows)))
}

/** The answer of {@link keepingStatement}. */
export function keptRows(answer: DataApiResult): KeptRows {
  const [row] = decodeRows(answer)
  return { parts: Number(row?.parts), first: String(row?.first) }
}

/** The whole text; `send` sends a statement on the session on which the rows are kept. */
export async function textOf(
  { parts, first }: KeptRows,
  send: (statement: DataApiStatement) => Promise<DataApiResult>,
): Promise<string> {
  if (parts === 1) return first
  const bytes = [Buffer.from(first, 'base64')]
  for (let number = 1; number < parts; number += 1) {
    const [row] = decodeRows(await send(asksForRows(partStatement(number))))
    bytes.push(Buffer.from(String(row?.part), 'base64'))
  }
  return Buffer.concat(bytes).toString()
}

/** Reads a part, and keeps it no longer. */
function partStatement(number: number): string {
  const name = `'${PART}${number}'`
  return qualified`with "kept" as materialized (select #current_setting(${name}) as "part") select "part", #set_config(${name}, '', true) as "left" from "kept"`
}

/**
 * What follows a statement whose rows have the name `rows`.
 *
 * Rows become text when the last one is there, so that no function of the statement sees the settings which make the
 * text the same for every role and database. They are restored at the end.
 */
function rowsAsText(rows: string): string {
  const last = qualified`case when #octet_length(bytes) #<= ${ANSWER_BYTES} then 0 else (#octet_length(bytes) #- 1) #/ ${PART_BYTES} end`
  return qualified`, "${rows}_was" as materialized (
select #count(*), #current_setting('datestyle') as dates, #current_setting('bytea_output') as bytes, #current_setting('extra_float_digits') as floats from "${rows}"
), "${rows}_is" as materialized (
select #set_config('datestyle', 'ISO', true), #set_config('bytea_output', 'hex', true), #set_config('extra_float_digits', '1', true) from "${rows}_was"
), "${rows}_part" as materialized (
select number, case when last #= 0 then content else #encode(#substr(bytes, (number #* ${PART_BYTES}) #+ 1, ${PART_BYTES}), 'base64') end as content
from (select content, bytes, ${last} as last from (select content, #convert_to(content, 'UTF8') as bytes from (
select #concat((${columnsAsJson(rows)}), #chr(10), #string_agg((r.*)::#text, '')) as content from "${rows}_is" cross join "${rows}" as r
) as t) as b) as l cross join lateral #generate_series(0, last) as number
)
select p.parts, p.first, #num_nonnulls(#set_config('datestyle', w.dates, true), #set_config('bytea_output', w.bytes, true), #set_config('extra_float_digits', w.floats, true)) as restored
from (select #count(*) as parts, #max(case when number #= 0 then content end) as first, #count(case when number #> 0 then #set_config('${PART}' #|| number::#text, content, true) end) from "${rows}_part") as p cross join "${rows}_was" as w`
}

/**
 * The names and types of the columns, from a row of nulls: `record_send` writes the type before each of them. Of a
 * domain the type below it is added, of an array that of its elements; see `result-text.ts`.
 */
function columnsAsJson(rows: string): string {
  return qualified`select #json_build_object('names', (select #json_agg(name) from #json_object_keys(json) as name), 'types', (with recursive c (number, is_element, type) as (
select number, false, ('x00000000' #|| #substr(sent, 9 #+ (16 #* number), 8))::#"bit"(64)::#int8::#oid from #generate_series(0, (#length(sent) #/ 16) #- 1) as number
union all select c.number, c.is_element or t.typtype #<> 'd', case when t.typtype #= 'd' then t.typbasetype else t.typelem end
from c cross join #pg_type as t where t.oid #= c.type and (t.typtype #= 'd' or not c.is_element and t.typoutput #= 'pg_catalog.array_out'::#regproc and t.typdelim #= ',')
) select #json_agg(#json_build_array(number, is_element, type)) from c))
from (select #row_to_json(r.*) as json, #encode(#record_send(r.*), 'hex') as sent from (select a.* from (select) as o left join "${rows}" as a on false) as r) as n`
}
