import { defineRevision } from 'aurora-migrations'

export default defineRevision({
  revision: '1ce7873ac4ced2',
  downRevision: '1cea0ac4ced2',
  doc: 'mark unknown stock',

  async upgrade(op) {
    await op.execute('update stock set in_stock = -1 where in_stock is null')
  },

  async downgrade(op) {
    await op.execute('update stock set in_stock = null where in_stock = -1')
  },
})
