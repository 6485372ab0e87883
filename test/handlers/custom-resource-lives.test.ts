import { describe, expect, test } from 'vitest'
import {
  LOG_GROUP,
  SHORT_LIFE_MS,
  THREE_LIVES,
  TOO_LONG,
  useDeployment,
} from './custom-resource-fixture.ts'

const it = useDeployment({ functionTimeoutMs: SHORT_LIFE_MS })

const history = () =>
  it.sql('select revision, outcome from alembic_version_history order by started_at')

describe('a run longer than one life of the function', () => {
  test('is gone on with in the next, and the answer tells of all of them', async () => {
    expect(await it.stack.create(await it.template(THREE_LIVES))).toBe('CREATE_COMPLETE')
    expect(it.stack.responses).toMatchObject([
      { Status: 'SUCCESS', Data: { From: 'base', To: 'c', Steps: '3' } },
    ])
    // The revisions that were stopped are only put off.
    expect(await history()).toEqual([
      { revision: 'a', outcome: 'done' },
      { revision: 'b', outcome: 'done' },
      { revision: 'c', outcome: 'done' },
    ])
    const lives = it.output.filter((line) => line.includes('"Runs":1'))
    expect(lives).toHaveLength(3)
  })

  test('fails when one revision alone needs more, and leaves nothing of it', async () => {
    const revisions = [{ id: 'a' }, { id: 'b', down: 'a', sql: TOO_LONG }]
    expect(await it.stack.create(await it.template(revisions))).toBe('ROLLBACK_COMPLETE')
    expect(it.stack.responses[0]?.Reason).toMatch(
      /^upgrade of b \(doc of b\) failed: stopped after \d s, when the time was up, while it waited for (?:op\.execute \()?do \$\$ begin perform pg_sleep\(4\.5\); end \$\$\)?: it needs more than one Lambda life, so split it into several revisions or make it a backfill; nothing of it is committed; applied before it: a; log group/,
    )
    expect(await it.rows()).toEqual(['a'])
    expect(await history()).toEqual([
      { revision: 'a', outcome: 'done' },
      { revision: 'b', outcome: 'failed' },
    ])
    const operations = it.aurora.calls.forDatabase(it.database).map(({ operation }) => operation)
    const count = (name: string) => operations.filter((operation) => operation === name).length
    expect(count('RollbackTransaction')).toBe(count('BeginTransaction') - 1)
  })
})

describe('a run longer than the whole time', () => {
  test('fails with what is applied and what is left, and the next deployment goes on', async () => {
    it.stack.options = { elapsedMs: 50 * 60_000 - SHORT_LIFE_MS }
    const template = await it.template(THREE_LIVES)
    expect(await it.stack.create(template)).toBe('ROLLBACK_COMPLETE')
    expect(it.stack.responses[0]?.Reason).toBe(
      `not finished in 50 minutes: applied a; left b, c; log group ${LOG_GROUP}; deploy again to go on from there, or run what takes long by hand before the next deployment\n\nLogs: /aws/lambda/isComplete\n`,
    )
    it.stack.options = {}
    expect(await it.stack.create(template)).toBe('CREATE_COMPLETE')
    expect(it.stack.responses.at(-1)).toMatchObject({ Data: { From: 'a', To: 'c', Steps: '2' } })
  })

  test('starts nothing when the time was up before it began', async () => {
    it.stack.options = { elapsedMs: 50 * 60_000 }
    expect(await it.stack.create(await it.template(THREE_LIVES))).toBe('ROLLBACK_COMPLETE')
    expect(it.stack.responses[0]?.Reason).toContain(
      'not finished in 50 minutes: applied nothing; left a, b, c',
    )
    const operations = it.aurora.calls.forDatabase(it.database).map(({ operation }) => operation)
    expect(operations).not.toContain('BeginTransaction')
  })
})
