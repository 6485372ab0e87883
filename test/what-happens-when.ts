/** A test that shows a row, by its file and its title as it stands in the source. */
export interface ShownBy {
  readonly file: string
  readonly name: string
}

/** A row of the README's table "What happens when"; messages are in backticks, with `…` for what differs. */
export interface Happening {
  readonly when: string
  readonly see: string
  readonly holds: string
  readonly tests: readonly ShownBy[]
}

const shownBy = (file: string, ...names: string[]): ShownBy[] =>
  names.map((name) => ({ file: `test/${file}.test.ts`, name }))

export const HAPPENINGS: readonly Happening[] = [
  {
    when: 'a statement is refused',
    see: '`failed`, with revision, statement and SQLSTATE',
    holds: 'nothing of the revision but a `failed` row in the history; revisions before it stay',
    tests: shownBy(
      'run/runner',
      'at statement %i leaves the database as it was, and one failed history row',
      'is told with what was applied before it',
    ),
  },
  {
    when: 'a read or the begin of a transaction gets no answer (cut, time-out, 5xx, failover)',
    see: 'a log line `waiting … ms: …`, then it goes on; after 15 s `failed`, after 3 minutes where the service says that the writer is not available',
    holds: 'as it was',
    tests: shownBy(
      'faults/waiting',
      '(%j) is sent again after a line that says so, and the run goes on',
      'a database that answers nothing for 15 s fails the run, which leaves nothing',
      'because its writer is being replaced is waited for longer than 15 s',
    ),
  },
  {
    when: 'a statement gets no answer',
    see: '`the connection broke, and nothing is committed…`: the revision is rolled back and run again in another transaction, up to 4 times, but once for the same statement; then `failed`: `… nothing of it is committed`',
    holds:
      'the revision once, or as it was: the transaction is rolled back, or ended by the service in 3 minutes',
    tests: [
      ...shownBy(
        'run/commit',
        'is sent twice in one transaction when it is %s: the revision is run again in another',
        'is begun again, and the revision is applied once',
      ),
      ...shownBy('run/batching', 'a batch that got no answer shows the statements that were in it'),
      ...shownBy(
        'faults/fault-matrix-batches',
        'every call of runs in batches failing in every way',
      ),
    ],
  },
  {
    when: 'a commit gets no answer',
    see: 'the run finds out: it goes on, or runs the revision again, up to 4 times; then `failed`: `the connection broke at the commit, and nothing was committed: run it again`',
    holds: 'what the report says',
    tests: shownBy(
      'run/commit',
      'after it took place (%j) is found out, and the run is a success',
      'before it took place (%j) is found out, and the revision is run again',
      'before it took place each time is a failure that leaves nothing',
    ),
  },
  {
    when: '… and the database cannot be asked before the deadline',
    see: '`unknown`; invoke again, the next run finds out',
    holds: 'the whole revision or nothing of it',
    tests: shownBy(
      'run/commit',
      'and cannot be found out before the deadline is unknown, and the next run settles it',
    ),
  },
  {
    when: 'the cluster was paused, throttles, or has no writer yet',
    see: 'a log line `waiting … ms: …`, and it goes on when that is over; after 3 minutes `failed`',
    holds: '',
    tests: shownBy(
      'faults/waiting',
      '(%j) is waited for with a line that says so',
      'because it has no writer yet is waited for with a line that says so',
    ),
  },
  {
    when: 'the password is being rotated',
    see: 'it waits up to 60 s, then `failed`: `the secret … (version …)… does not hold the password of the database user…`',
    holds: 'as it was',
    tests: shownBy(
      'faults/waiting',
      'is waited for with a line that says so',
      'for longer than 60 s fails the run, which names the secret and its version',
    ),
  },
  {
    when: 'the run is killed',
    see: 'the next run logs `waiting for …another run: database process … holds the lock since …; if it died the service frees it in … s`, then does the work',
    holds: 'whole revisions only',
    tests: [
      ...shownBy(
        'faults/crash',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the title as the source has it
        'a run that is killed ${CRASHES} times at any moment is finished by the next one',
      ),
      ...shownBy(
        'run/races',
        'a run that meets the lock of another says who holds it and when it frees itself',
      ),
    ],
  },
  {
    when: '… inside an autocommit block',
    see: 'the next run logs `if it died it is taken over in … s` (2 minutes at most), waits for what is still at work, `a statement that the interrupted … of … by … has left at work: database process …, for … s…`, then begins the revision again',
    holds: 'what the block has committed, and a `running` row',
    tests: shownBy(
      'faults/killed-block',
      'a run that is killed inside an autocommit block is taken over when its lease ends',
      'a statement that goes on after its run was killed is waited for, so that nothing of the dead run is committed after the next',
    ),
  },
  {
    when: 'a revision fails after its autocommit blocks',
    see: '`failed`: `… its autocommit blocks have committed …; nothing else of it is committed, and the next run begins its … again`',
    holds: 'what the blocks have committed, and an `interrupted` row',
    tests: shownBy(
      'run/block/autocommit-block',
      'in its rest is interrupted, and runs again from its start with the bundle at hand',
    ),
  },
  {
    when: '… and something else is run instead: a downgrade, a stamp, another revision',
    see: 'a warning, `…and is abandoned: what its autocommit blocks have committed stays…`',
    holds: 'the same, and the row is `abandoned`',
    tests: shownBy(
      'run/block/autocommit-block',
      'is abandoned by a downgrade, which names what may be left',
      'is abandoned by a stamp',
    ),
  },
  {
    when: 'two runs meet',
    see: 'one waits and then has nothing to do; with `LOCK_WAIT` it stops waiting after so many seconds, with 0 at once: `another run was at work for … s`',
    holds: 'each revision once',
    tests: [
      ...shownBy('run/races', 'on %s, %s, apply each revision once'),
      ...shownBy('run/locks', 'is waited for %i ms'),
    ],
  },
  {
    when: 'a role that is not trusted owns the version or history table, or code that these run',
    see: '`failed`: `… belongs to role …`, or `… uses … of role …`, with the ways out',
    holds: 'as it was; nothing of it was read, and no code of that role ran',
    tests: shownBy(
      'owners/untrusted-tables',
      'are refused in the first call, with their owner and the fix',
      '%s of another role is refused, and runs nothing',
      'in a child, which is refused as such',
    ),
  },
  {
    when: '… or a function in place of the one for batches, or this cannot be made',
    see: 'a log line `each statement is a call of its own, because …`, then it goes on',
    holds: 'the revisions',
    tests: shownBy(
      'owners/untrusted-functions',
      'the function of another role is never called, to the letter ours or not, and the warning says what to do',
      'where %s, each statement is a call',
    ),
  },
  {
    when: 'a lock is not granted in `LOCK_TIMEOUT` seconds (default 5)',
    see: 'the revision is rolled back and run again up to 4 times; then `failed`, with who had it: `process … of role … held it (…, its transaction … s old: …)`',
    holds: 'the revision once, or nothing of it',
    tests: shownBy(
      'run/locks',
      'fails the revision, which tells that %s had it (%s)',
      'is tried again, and granted when the other one is done',
    ),
  },
  {
    when: 'a deadlock or a serialization failure',
    see: 'the revision is rolled back and run again up to 4 times; then `failed`',
    holds: 'the revision once, or nothing of it',
    tests: [
      ...shownBy('run/locks', 'a revision that failed on %s is run again'),
      ...shownBy('faults/tries', 'a revision that fails on %s each time is run five times'),
    ],
  },
  {
    when: "a statement takes longer than the Data API's 45 s",
    see: '`a statement took longer than the 45 s of the Data API…, so it is run again`: the revision is rolled back, and its statements are followed to their real end, with their real errors',
    holds: 'the revision once',
    tests: shownBy(
      'run/long-statements',
      'is run again with the whole revision, and followed to its end',
      'tells its own error, not that the transaction is aborted',
    ).concat(shownBy('run/long-rows', 'is followed to its end: %s')),
  },
  {
    when: '… and it returns rows (`op.query`, `returning`)',
    see: '`failed`: `a statement that returns rows took longer than the 45 s of the Data API, and its rows are lost then: write them into a table with op.execute…`',
    holds: 'nothing of the revision',
    tests: shownBy(
      'run/long-rows',
      'of %s fail the revision at once, which says what to write instead',
    ),
  },
  {
    when: '… or it is too long to be followed (nearly 65,536 characters)',
    see: '`failed`: `it took longer than the 45 s of the Data API, and only a statement by itself, of fewer characters, can be followed beyond them…`',
    holds: 'nothing of the revision',
    tests: shownBy(
      'run/long-rows',
      'and is too long to be followed fails the revision, which says what to do',
    ),
  },
  {
    when: '`create index concurrently` takes longer',
    see: '`still at work after … s…`, until it is done',
    holds: 'a valid index',
    tests: shownBy(
      'run/long-statements',
      'that takes longer than the service waits is followed to its end',
    ),
  },
  {
    when: '`create index concurrently` fails',
    see: '`failed`: `index … is left INVALID, and built anew by the next run`',
    holds: 'the invalid index, until then',
    tests: shownBy(
      'run/long-statements',
      'that failed is left INVALID, which the report says, and is built anew by the next run',
    ),
  },
  {
    when: 'a revision waits for something else',
    see: 'nothing: its transaction is kept alive',
    holds: '',
    tests: shownBy(
      'run/long-statements',
      'is kept alive while the revision waits for something else',
    ),
  },
  {
    when: '… in JavaScript without an `await` for minutes',
    see: '`failed`: `the revision ran … s of JavaScript without an await, so its transaction could not be kept alive…`',
    holds: 'as it was',
    tests: shownBy(
      'run/long-statements',
      'and gone, because JavaScript never let go, fails with that cause',
    ),
  },
  {
    when: '… in a promise that never settles, or on the command line in a loop without an end',
    see: '`failed` when the time is up: `… while no statement of it was under way: it waits for something else, such as a promise that never settles or a loop without an end`',
    holds: 'nothing of the revision',
    tests: shownBy('run/escaping-code', '%s is stopped, and the report says what it waited for'),
  },
  {
    when: 'a revision calls `process.exit()`',
    see: '`failed`: `it called process.exit(…), which would end the run without a report: throw an error instead`',
    holds: 'nothing of the revision',
    tests: shownBy('run/escaping-code', '%s'),
  },
  {
    when: 'an error escapes it, from a timer or from a promise that it does not await',
    see: "`failed`: `it threw an error that nothing can catch, as from a timer or an event…` or `a promise that it does not await was rejected: add the missing 'await'…`",
    holds: 'nothing of the revision',
    tests: shownBy('run/escaping-code', '%s'),
  },
  {
    when: 'its code goes on after it returned',
    see: "`failed`; when it is committed already, a warning: `… is over: a statement came after it returned, so add the missing 'await' before it (…)`. The statement is not sent",
    holds: 'what the report says',
    tests: shownBy(
      'run/escaping-code',
      'fails the revision while that can be rolled back',
      'is a warning of the run when the revision is committed, and its statement is not sent',
    ),
  },
]

/** The rows as the README has them. */
export function happeningsTable(): string {
  const row = (...cells: string[]) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |')
  return [
    row('when', 'what you see', 'what the database holds'),
    '|---|---|---|',
    ...HAPPENINGS.map(({ when, see, holds }) => row(when, see, holds)),
  ].join('\n')
}
