import { expect, test } from 'vitest'
import { operations } from '../operations-fixture.ts'

const open = operations()

test('rows in several calls keep NULL apart from each text that could stand for it', async () => {
  const { op, session, look, calls } = await open('create table t (id integer, v text)')
  await session.begin()
  const texts = [null, '', 'N', 'NN', 'NNN', 'null', 'NULL']
  const rows = Array.from({ length: 140 }, (_, id) => ({ id, v: texts[id % texts.length] ?? null }))
  calls()
  await op.bulkInsert('t', rows, { chunkBytes: 400 })
  const inserts = calls().filter(({ sql }) => sql?.startsWith('insert'))
  // Each call has every one of the texts.
  expect(inserts.length).toBeGreaterThan(2)
  expect(inserts.length).toBeLessThan(rows.length / texts.length)
  await session.commit()
  expect(await look("select coalesce(v, 'is null') from t order by id")).toEqual(
    rows.map(({ v }) => v ?? 'is null'),
  )
})
