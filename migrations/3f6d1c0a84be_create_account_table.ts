import { defineRevision, type Generated, sql } from 'aurora-migrations'

/** The columns this revision touches, as they are at this point of the history: SQLAlchemy's `table()` and `column()`. */
interface Tables {
  account: { id: Generated<number>; name: string }
  account_note: { account_id: number; note: string }
}

export default defineRevision({
  revision: '3f6d1c0a84be',
  downRevision: '169ad57156f0',
  doc: 'create account table and rename an account',

  async upgrade(op) {
    await op.createTable('account', (table) =>
      table
        .addColumn('id', 'integer', (column) => column.primaryKey().generatedByDefaultAsIdentity())
        .addColumn('name', 'text', (column) => column.notNull().unique())
        .addColumn('opened_at', 'date', (column) => column.notNull().defaultTo(sql`current_date`)),
    )
    await op.createTable('account_note', (table) =>
      table
        .addColumn('account_id', 'integer', (column) => column.notNull().references('account.id'))
        .addColumn('note', 'text', (column) => column.notNull()),
    )
    await op.bulkInsert('account', [
      { name: 'account 1', opened_at: '2014-06-25' },
      { name: 'account 3', opened_at: '2014-07-01' },
    ])

    const db = op.getBind<Tables>()
    await db
      .updateTable('account')
      .set({ name: 'account 2' })
      .where('name', '=', 'account 1')
      .execute()

    // The id the database gave is used in the next insert.
    const { id } = await db
      .insertInto('account')
      .values({ name: 'John' })
      .returning('id')
      .executeTakeFirstOrThrow()
    await db.insertInto('account_note').values({ account_id: id, note: 'the first one' }).execute()
  },

  async downgrade(op) {
    await op.dropTable('account_note')
    await op.dropTable('account')
  },
})
