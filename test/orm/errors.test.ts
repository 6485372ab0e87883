import { describe, expect, test, vi } from 'vitest'
import { StatementError } from '../../lambda/data-api/errors.ts'
import { CommandError } from '../../lambda/errors.ts'
import {
  CheckConstraintViolationException,
  ForeignKeyConstraintViolationException,
  NotFoundError,
  NotNullConstraintViolationException,
  orm,
  raw,
  UniqueConstraintViolationException,
} from '../../lambda/orm/orm.ts'
import { revisions } from './orm-fixture.ts'
import { failureOf, Player, Team, tables } from './town.ts'

const revision = revisions()

describe('an error of the database', () => {
  test.each([
    [UniqueConstraintViolationException, '23505', { name: 'Town' }],
    [NotNullConstraintViolationException, '23502', { name: raw<string>('null') }],
    [CheckConstraintViolationException, '23514', { name: 'Old', founded: 1800 }],
  ])('is %o with the SQLSTATE %s', async (kind, code, data) => {
    const { op } = await revision(...tables)
    const em = orm(op, [Team])
    em.create(Team, data)

    const error = await failureOf(em.flush())

    expect(error).toBeInstanceOf(kind)
    expect(error.code).toBe(code)
  })

  test('is a ForeignKeyConstraintViolationException when a row refers to nothing', async () => {
    const { op } = await revision(...tables)

    const error = await failureOf(orm(op, [Player]).insert(Player, { team: 7 }))

    expect(error).toBeInstanceOf(ForeignKeyConstraintViolationException)
  })

  test('has the StatementError that the runner reports as its cause, unchanged', async () => {
    const { op, session } = await revision(...tables)

    const error = await failureOf(orm(op, [Team]).find(Team, { [raw('founded = id || 1')]: [] }))

    const { cause } = error
    if (!(cause instanceof StatementError)) throw new Error('there is no StatementError')
    expect(session.failure).toBe(cause)
    expect(cause.sql).toBe(
      'select "t0"."id", "t0"."name", "t0"."founded" from "teams" as "t0" where founded = id || 1',
    )
    expect(cause.sql.slice((cause.position ?? 0) - 1)).toBe('|| 1')
    expect(error.message).toBe(cause.message)
    expect(cause.message.split('operator does not exist')).toHaveLength(2)
  })

  test('fails the revision also when it is caught', async () => {
    const { op, session, calls } = await revision(...tables)
    const em = orm(op, [Team])

    const error = await failureOf(em.insert(Team, { name: 'Town' }))
    const next = await failureOf(em.find(Team, {}))

    expect(session.failure).toBe(error.cause)
    expect(next.cause).toBe(error.cause)
    expect(calls()).toHaveLength(1)
  })

  test('is no such thing where nothing was asked of the database', async () => {
    const { op, session, calls } = await revision(...tables)
    const em = orm(op, [Team])

    const missing = await failureOf(em.findOneOrFail(Team, { name: 'City' }))
    em.create(Team, {} as { name: string })
    const incomplete = await failureOf(em.flush())

    expect(missing).toBeInstanceOf(NotFoundError)
    expect(incomplete.message).toMatch(/^Value for Team.name is required/)
    expect(session.failure).toBeUndefined()
    expect(calls()).toHaveLength(1)
  })
})

describe('em.transactional()', () => {
  test('is a savepoint, and so is one inside it', async () => {
    const { op, statements } = await revision(...tables)

    await orm(op, [Team]).transactional(async (outer) => {
      outer.create(Team, { name: 'Outer' })
      await outer.transactional(async (inner) => {
        inner.create(Team, { name: 'Inner' })
      })
    })

    expect(statements).toEqual([
      'savepoint "kysely_1"',
      'savepoint "trx1"',
      `insert into "teams" ("name") values ( 'Outer'), ( 'Inner') returning "id"`,
      'release savepoint "trx1"',
      'release savepoint "kysely_1"',
    ])
  })

  test('undoes what failed in it, and the revision goes on', async () => {
    const { op, session, pg, statements } = await revision(...tables)
    const em = orm(op, [Team])
    em.create(Team, { name: 'Before' })
    await em.flush()

    const error = await failureOf(
      em.fork().transactional(async (inner) => {
        await inner.insert(Team, { name: 'Undone' })
        await inner.insert(Team, { name: 'Town' })
      }),
    )
    em.create(Team, { name: 'After' })
    await em.flush()
    await session.commit()

    expect(error).toBeInstanceOf(UniqueConstraintViolationException)
    expect(session.failure).toBeUndefined()
    expect(statements.map((sql) => sql.split(' ')[0])).toEqual([
      'insert',
      'savepoint',
      'insert',
      'insert',
      'rollback',
      'insert',
      'CommitTransaction',
    ])
    const { rows } = await pg.query('select name from teams order by id')
    expect(rows.map(({ name }) => name)).toEqual(['Town', 'Before', 'After'])
  })

  test('undoes its statements also when the revision itself throws', async () => {
    const { op, session, pg } = await revision(...tables)
    const em = orm(op, [Team])

    const error = await failureOf(
      em.transactional(async (inner) => {
        await inner.nativeDelete(Team, {})
        throw new Error('of the revision')
      }),
    )
    await session.commit()

    expect(error.message).toBe('of the revision')
    expect((await pg.query('select name from teams')).rows).toEqual([{ name: 'Town' }])
  })

  test('takes no isolation level, because the transaction has begun', async () => {
    const { op, calls } = await revision(...tables)
    const em = orm(op, [Team])

    const options = { isolationLevel: 'serializable' } as never
    const error = await failureOf(em.transactional(async () => undefined, options))

    expect(error).toBeInstanceOf(CommandError)
    expect(error.message).toMatch(/^an isolation level or read-only mode was asked for/)
    expect(calls()).toEqual([])
  })
})

test('nothing is written to the console', async () => {
  const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi.spyOn(console, method),
  )
  const { op } = await revision(...tables)
  const em = orm(op, [Team, Player])

  await em.find(Player, {}, { populate: ['team'] })
  await failureOf(em.insert(Team, { name: 'Town' }))

  for (const spy of spies) {
    expect(spy).not.toHaveBeenCalled()
    spy.mockRestore()
  }
})
