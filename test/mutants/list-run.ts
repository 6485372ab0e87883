import { mutantsOf } from './mutant.ts'

/** Fence, move, commit, waiting for others, what is run again. */
export const RUN = [
  ...mutantsOf(
    'lambda/ledger/history.ts',
    ['run/fence'],
    [
      [
        'the fence opens a row also while another run holds the lock',
        'from "gate" where locked on conflict',
        'from "gate" on conflict',
      ],
      [
        'a step is taken over while its run is at work',
        "(outcome #= 'running' and lease_until #< #clock_timestamp())",
        "(outcome #= 'running')",
        ['run/block/autocommit-block'],
      ],
      [
        'a failed step takes a number, as a finished one does',
        "values(entry, null, 'failed')",
        "values(entry, entry.seq, 'failed')",
        ['run/runner', 'run/batching'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/step.ts',
    ['run/move', 'run/batching'],
    [
      [
        'a step goes on without its row in the history',
        'if (opened !== 1) throw',
        'if (opened === undefined) throw',
      ],
      [
        'a move that hit other rows than planned is fine',
        'if (problem) throw',
        "if (problem === '') throw",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/revision-code.ts',
    ['run/runner'],
    [
      [
        'a call that the revision did not await is fine',
        'if (call !== undefined)',
        "if (call === '')",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/ledger/version-table.ts',
    ['run/move'],
    [
      [
        'the move looks at the number of version rows alone',
        'found.some((row, i) => row !== expected[i])',
        'false',
      ],
      [
        'the move takes every row for removed and added',
        'if (answer.removed !== removed || answer.added !== added)',
        'if (answer.removed > removed || answer.added > added)',
      ],
      [
        'the move does not need its own history row',
        'return answer.finished === 1 ?',
        'return answer.finished >= 0 ?',
      ],
      [
        'tables are made without the lock',
        'if not #pg_try_advisory_xact_lock(',
        'if false and not #pg_try_advisory_xact_lock(',
        ['run/races'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/commit.ts',
    ['run/commit'],
    [
      [
        'after a lost commit the lock is not watched',
        'const settled = state.holder === null || state.lastSeq > trace.seq',
        'const settled = true || state.lastSeq > trace.seq',
      ],
      [
        'a lost commit that was rolled back counts as committed',
        'if (await rolledBack(context, session)) return false',
        'if (await rolledBack(context, session)) return true',
      ],
      [
        'a lost commit counts as committed without a look',
        'return await traceIsThere(context, trace)',
        'return (await traceIsThere(context, trace)) || true',
      ],
      [
        'a commit that the database refused counts as lost',
        "if (error.outcome === 'refused' && !gone) throw error",
        "if (error.outcome === 'refused' && gone) throw error",
        ['run/batching', 'run/runner'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/step-tries.ts',
    ['run/locks'],
    [
      ['a concurrent change ends the run at once', "'40001': 'it met a concurrent change',", ''],
      ['a lock that was not free ends the run at once', "'55P03': 'a lock was not free',", ''],
      [
        'a revision is run again once more than said',
        'const MOST_TRIES = 5',
        'const MOST_TRIES = 6',
        ['faults/tries'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/runner.ts',
    ['run/runner', 'adopt', 'commands'],
    [
      [
        'a downgrade past an irreversible revision begins',
        'refuseIrreversible(progress.left)\n',
        '',
      ],
      [
        'a database with tables of its own is taken for an empty one',
        'if (!state.ready) refusePopulated(',
        'if (state.ready) refusePopulated(',
      ],
      [
        'a run does not wait for the one that holds the lock',
        'const isFree = !state.open?.leased && !state.holder',
        'const isFree = !state.open?.leased',
        ['run/locks', 'run/races'],
      ],
      [
        'a step that is at work outside a transaction is taken over',
        'const isFree = !state.open?.leased && !state.holder',
        'const isFree = !state.holder',
        ['run/block/autocommit-block'],
      ],
      [
        'a statement of a dead run is not waited for',
        'if (await otherRun.isWorking(reader, state.open)) return LOST',
        '',
        ['faults/killed-block'],
      ],
      [
        'the plan is kept although another run has moved the database',
        'see(seen, plan(seen.rows))',
        'see(seen, progress.left)',
        ['run/races', 'run/batching'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/block/autocommit-block.ts',
    ['run/block/autocommit-block'],
    [
      [
        'a block may come after statements of the transaction',
        "if (this.#phase === 'transaction') throw",
        "if (this.#phase === 'block') throw",
      ],
      [
        'a statement beside a block is sent with it',
        'if (inside !== this.#current) throw',
        'if (this.#current === undefined) throw',
      ],
      [
        'a block takes statements that cannot run twice',
        "if (returns !== 'nothing' || !repeatable) throw",
        "if (returns !== 'nothing') throw",
      ],
      [
        'a block is part of a run in one transaction',
        "if (this.#scope.context.transaction === 'run') throw",
        "if (this.#phase === 'block') throw",
        ['run/one-transaction', 'run/block/autocommit-block'],
      ],
      [
        'a step goes on after its blocks although another run has its row',
        'if (row?.opened === 1) {',
        'if (row?.locked) {',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/block/block-progress.ts',
    ['run/block/autocommit-block'],
    [
      [
        'a statement of a block that ended well is sent again',
        'if (this.#done[place]?.hash === next.hash) return false',
        '',
      ],
      [
        'another statement at the same place of a block is not sent',
        'if (this.#done[place]?.hash === next.hash) return false',
        'if (this.#done[place]) return false',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/block/lease.ts',
    ['run/block/autocommit-block'],
    [
      [
        'a run whose step was taken over goes on with its block',
        'if (rows.length === 0) throw',
        'if (rows.length > 1) throw',
      ],
      [
        'a statement of a block is sent at the end of its lease',
        'const LEAST_MS = LEASE_MS * 0.75',
        'const LEAST_MS = 0',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/other-run.ts',
    ['run/locks'],
    [['LOCK_WAIT is not heeded', 'if (waited >= lockWaitMs) throw', 'if (waited < 0) throw']],
  ),
  ...mutantsOf(
    'lambda/ledger/read-statement.ts',
    ['checksums'],
    [
      [
        'checksums that were made in different ways are compared',
        ' and #left(b.value, -64) #= #left(a.checksum, -64)',
        '',
      ],
      [
        'a taken back revision counts as applied for the checksums',
        "a.direction #= 'upgrade' and ",
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/database-ahead.ts',
    ['run/database-ahead', 'handlers/custom-resource'],
    [
      [
        'a gap in the history does not matter to a bundle that is behind',
        'if (!sameRows(to, expected)) return undefined',
        '',
      ],
      [
        'a bundle that is behind need not have been applied',
        'return isDone(from) ? state.rows : undefined',
        'return state.rows',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/run/block/concurrent-index.ts',
    ['run/long-statements'],
    [
      [
        'any index of the name is the one that is wanted',
        'return row?.same === true',
        'return row !== undefined',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/ledger/run-record.ts',
    ['handlers/retried-deployments'],
    [
      [
        'a try that failed decides although a later one succeeded',
        '(row) => isFailed(row) && !finished.some((done) => isSame(done, row))',
        '(row) => isFailed(row)',
      ],
    ],
  ),
]
