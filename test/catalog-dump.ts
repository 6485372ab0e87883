import type { Client } from 'pg'

/** Everything in a database that a revision can change, as text that can be compared. */
export interface CatalogDump {
  readonly columns: readonly string[]
  readonly constraints: readonly string[]
  readonly indexes: readonly string[]
  readonly comments: readonly string[]
  readonly sequences: readonly string[]
  readonly enums: readonly string[]
  /** Rows of every table as JSON, sorted; the history table's are left out, they hold times and ids. */
  readonly rows: Readonly<Record<string, readonly string[]>>
}

const USER_SCHEMAS =
  "n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'"

const PARTS = {
  columns: `select format('%s.%s %s. %s %s%s default %s identity %s generated %s', n.nspname, c.relname,
      row_number() over (partition by c.oid order by a.attnum), a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then ' not null' else '' end, pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated) as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relkind in ('r', 'p', 'v', 'm') and ${USER_SCHEMAS}`,
  constraints: `select format('%s.%s %s: %s%s', n.nspname, t.relname, c.conname, pg_get_constraintdef(c.oid),
      case when c.convalidated then '' else ' (not valid)' end) as line
    from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace
    where ${USER_SCHEMAS}`,
  indexes: `select format('%s%s', pg_get_indexdef(i.indexrelid), case when i.indisvalid then '' else ' (invalid)' end) as line
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
    where ${USER_SCHEMAS}`,
  comments: `select format('%s.%s %s: %s', n.nspname, c.relname, a.attname, d.description) as line
    from pg_description d join pg_class c on c.oid = d.objoid and d.classoid = 'pg_class'::regclass
    join pg_namespace n on n.oid = c.relnamespace
    left join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid and d.objsubid > 0
    where ${USER_SCHEMAS}`,
  sequences: `select format('%s.%s %s %s %s %s %s cycle %s', schemaname, sequencename, data_type, start_value, min_value,
      max_value, increment_by, cycle) as line
    from pg_sequences where schemaname not in ('pg_catalog', 'information_schema')`,
  enums: `select format('%s.%s %s', n.nspname, t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder)) as line
    from pg_enum e join pg_type t on t.oid = e.enumtypid join pg_namespace n on n.oid = t.typnamespace
    group by n.nspname, t.typname`,
} as const

/** Reads the whole catalog and all rows through a direct connection. */
export async function dumpCatalog(client: Client): Promise<CatalogDump> {
  const parts: Record<string, string[]> = {}
  for (const [part, sql] of Object.entries(PARTS)) {
    const { rows } = await client.query<{ line: string }>(sql)
    parts[part] = rows.map(({ line }) => line).sort()
  }
  return { ...(parts as unknown as Omit<CatalogDump, 'rows'>), rows: await dumpRows(client) }
}

async function dumpRows(client: Client): Promise<Record<string, string[]>> {
  const tables = await client.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p') and ${USER_SCHEMAS} and c.relname not like '%\\_history' order by 1`,
  )
  const dump: Record<string, string[]> = {}
  for (const { name } of tables.rows) {
    const { rows } = await client.query<{ line: string }>(
      `select to_jsonb(t)::text as line from ${name} t`,
    )
    dump[name] = rows.map(({ line }) => line).sort()
  }
  return dump
}
