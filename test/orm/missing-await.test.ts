import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { CommandError } from '../../lambda/errors.ts'
import { orm } from '../../lambda/orm/orm.ts'
import { revisions } from './orm-fixture.ts'
import { failureOf, Player, Team, tables } from './town.ts'

const revision = revisions()

describe('a call that nobody awaits', () => {
  test('is pending before the revision can be over', async () => {
    const { op, session } = await revision(...tables)
    const em = orm(op, [Team])

    em.create(Team, { name: 'City' })
    const flush = em.flush()
    await setImmediate()

    expect(session.pending).toEqual([
      `insert into "teams" ("name") values ( 'City') returning "id"`,
    ])
    await flush
  })

  test('is refused once the revision is over', async () => {
    const { op, session, calls } = await revision(...tables)
    const em = orm(op, [Team])

    session.close('revision 169ad57156f0 is over')
    const error = await failureOf(em.find(Team, {}))

    expect(error).toBeInstanceOf(CommandError)
    expect(error.message).toBe('revision 169ad57156f0 is over')
    expect(calls()).toEqual([])
  })

  test('is named by op, even where it fails before its first statement', async () => {
    const { op } = await revision(...tables)
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const em = orm(op, [Team])

    em.create(Team, {} as { name: string })
    void em.flush()
    const atOnce = op.notAwaited()
    await setImmediate()
    process.off('unhandledRejection', unhandled)

    expect(atOnce).toEqual(['em.flush'])
    expect(op.notAwaited()).toEqual(['em.flush'])
    expect(unhandled).not.toHaveBeenCalled()
  })

  test('is told from those that somebody awaits, also inside em.transactional()', async () => {
    const { op } = await revision(...tables)
    const em = orm(op, [Team, Player])

    await em.transactional(async (inner) => {
      const team = await inner.findOneOrFail(Team, 1)
      inner.create(Player, { team })
      await inner.flush()
      void inner.count(Player)
    })
    await em.find(Player, {}, { populate: ['team'] })
    await em.upsertMany(Team, [{ name: 'Town' }, { name: 'City' }])

    expect(op.notAwaited()).toEqual(['em.count'])
  })
})
