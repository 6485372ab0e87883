import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  revision: '1cea0ac4ced2',
  downRevision: '3f6d1c0a84be',
  doc: 'create stock table',

  async upgrade(op) {
    await op.createTable('stock', (table) =>
      table
        .addColumn('sku', 'uuid', (column) => column.primaryKey())
        .addColumn('product', 'text', (column) => column.notNull())
        .addColumn('price', 'numeric(10, 2)', (column) => column.notNull())
        .addColumn('details', 'jsonb', (column) => column.notNull().defaultTo('{}'))
        .addColumn('in_stock', 'integer'),
    )
    await op.bulkInsert('stock', [
      {
        sku: '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b01',
        product: 'Ball',
        price: '19.90',
        details: { colours: ['white', 'black'], size: 5 },
        in_stock: 120,
      },
      {
        sku: '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b02',
        product: 'Shirt',
        price: '34.50',
        in_stock: null,
      },
      { sku: '5f0c3b0e-1d1c-4b4e-9d0a-0d7c3a1c9b03', product: 'Goal net', price: '149.00' },
    ])
  },

  async downgrade(op) {
    await op.dropTable('stock')
  },
})
