/** What each revision of the benchmark does; the nth has a table of its own. */
export interface RevisionWork {
  readonly table: string
  /** The rows it inserts. */
  readonly rows: readonly { readonly name: string; readonly amount: string }[]
  readonly update: string
}

export function revisionWork(n: number): RevisionWork {
  const table = `bench_${n}`
  return {
    table,
    rows: Array.from({ length: 10 }, (_, i) => ({ name: `item ${i} of ${n}`, amount: `${i}.50` })),
    update: `update ${table} set state = 'open' where amount < 5`,
  }
}

/** The five statements as the peers send them, one a call. */
export function revisionStatements(n: number): string[] {
  const { table, rows, update } = revisionWork(n)
  const values = rows.map(({ name, amount }) => `('${name}', ${amount})`).join(', ')
  return [
    `create table ${table} (id integer generated always as identity primary key, name text not null, amount numeric(10, 2) not null)`,
    `alter table ${table} add column state text`,
    `create index ${table}_name on ${table} (name)`,
    `insert into ${table} (name, amount) values ${values}`,
    update,
  ]
}
