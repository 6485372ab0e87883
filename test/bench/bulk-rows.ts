/** A row of five columns of five types. */
export interface BulkRow {
  readonly id: number
  readonly name: string
  readonly price: string
  readonly created_at: string
  readonly details: { readonly tags: readonly string[]; readonly size: number }
}

export const BULK_TABLE =
  'create table bulk (id integer, name text, price numeric(10, 2), created_at timestamptz, details jsonb)'

/** The types of its columns, as `op.bulkInsert` asks for them. */
export const BULK_TYPES = [
  { column: 'id', type: 'integer', json: false },
  { column: 'name', type: 'text', json: false },
  { column: 'price', type: 'numeric', json: false },
  { column: 'created_at', type: 'timestamp with time zone', json: false },
  { column: 'details', type: 'jsonb', json: true },
]

export function bulkRows(count: number): BulkRow[] {
  return Array.from({ length: count }, (_, i) => ({
    id: i,
    name: `product number ${i}`,
    price: `${i % 1000}.${String(i % 100).padStart(2, '0')}`,
    created_at: new Date(1_600_000_000_000 + i * 1000).toISOString(),
    details: { tags: ['new', `group ${i % 7}`], size: i % 12 },
  }))
}
