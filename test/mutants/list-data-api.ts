import { mutantsOf } from './mutant.ts'

/** Calls, what is sent again, transactions, batches, values that come back. */
export const DATA_API = [
  ...mutantsOf(
    'lambda/session/executor.ts',
    ['run/batching'],
    [
      [
        'the batch goes on after a lost fence',
        "exit when #to_json(answer) #->> 'opened' #= '0';",
        '',
      ],
      [
        'a function that runs with the rights of its owner carries out batches',
        ' and not ${row}.prosecdef',
        '',
      ],
      [
        'a function with settings of its own carries out batches',
        ' and ${row}.proconfig is null',
        '',
      ],
      [
        'a function of another body carries out batches',
        "'hex') #= '${hash}' and",
        "'hex') is not null and",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/ledger/database-state.ts',
    ['run/batching', 'owners/untrusted-functions'],
    [
      [
        'a function of an untrusted owner carries out batches',
        'executor?.trusted === true && executor.ours',
        'executor?.ours === true',
      ],
      [
        'a function that may not be called carries out batches',
        'executor.ours && executor.callable',
        'executor.ours',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/session/followed-statement.ts',
    ['run/long-statements'],
    [
      [
        'the outcome of an earlier statement is taken for that of a followed one',
        'if (outcome?.number !== number) throw',
        'if (outcome === null) throw',
      ],
      [
        'the error of a followed statement is not looked at',
        'if (outcome.code === undefined) return',
        "if (outcome.code !== '') return",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/data-api/calls.ts',
    ['run/commit', 'data-api/retry'],
    [
      [
        'a commit is sent again when its answer is lost',
        'this.#api.commitTransaction(transactionId), WRITES)',
        'this.#api.commitTransaction(transactionId), HARMLESS)',
      ],
      [
        'a statement that writes is sent again when its answer is lost',
        'repeatable: Repeatable = WRITES',
        'repeatable: Repeatable = HARMLESS',
      ],
      [
        'a transaction that is not found counts as rolled back',
        'if (/NotFound/.test((error as StatementError).exception)) return false',
        'if (/NotFound/.test((error as StatementError).exception)) return true',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/data-api/retry.ts',
    ['data-api/retry', 'run/commit'],
    [
      [
        'every call is sent again when its answer is lost',
        "if (error.outcome === 'unknown' && !harmless) return 0",
        '',
      ],
      [
        'what the database refused is sent again',
        "if (error.outcome === 'refused') return 0",
        "if (error.outcome === 'refused') return 2_000",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/data-api/errors.ts',
    ['data-api/retry', 'run/commit', 'run/runner'],
    [
      ['a cluster that wakes up is not waited for', "'DatabaseResumingException',", ''],
      [
        'a busy transaction counts as one that cannot be known',
        'if (NOT_RUN.has(exception) || text === BUSY)',
        'if (NOT_RUN.has(exception))',
      ],
      [
        'an error that SQL raised with the code of a lost connection counts as one',
        "if (code !== undefined && !text.startsWith('ERROR: '))",
        'if (code !== undefined)',
      ],
      [
        'a connection that PostgreSQL ended counts as a refusal',
        'const CONNECTION_LOST = /^(?:57P0[125]|08)/',
        'const CONNECTION_LOST = /^(?:57P05)/',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/data-api/rds-data-api.ts',
    ['run/commit'],
    [['the SDK sends calls again by itself', 'maxAttempts: 1,', 'maxAttempts: 3,']],
  ),
  ...mutantsOf(
    'lambda/session/transaction.ts',
    ['run/batching', 'run/runner'],
    [
      [
        'statements are sent after one that failed',
        'if (this.#failure && !statement?.isRollbackToSavepoint) throw this.#failure',
        '',
        ['run/after-failure'],
      ],
      ['statements travel together while there is a savepoint', 'this.#savepoints === 0 && ', ''],
      [
        'statements travel together under a statement_timeout of the revision',
        ' && !this.#oneByOne',
        '',
      ],
      [
        'a batch has no limit',
        'if (this.#batchCharacters + characters > MAX_BATCH_CHARACTERS)',
        'if (characters > MAX_BATCH_CHARACTERS)',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/session/session.ts',
    ['run/runner', 'operations/not-awaited'],
    [
      [
        'a statement that comes after the end of the revision is sent',
        'if (this.#refusal !== undefined) throw this.#refusal(statement.sql)',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/session/keep-alive.ts',
    ['run/long-statements'],
    [
      [
        'an idle transaction is not kept alive',
        'this.#timer = setTimeout(this.#ping, this.#idleMs).unref()',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/data-api/values.ts',
    ['data-api/values'],
    [
      [
        'a numeric of an array loses digits',
        'if (isExactNumber(value)) return number',
        'return number',
      ],
      [
        'an int8 that came as a number may have lost digits',
        "typeof value !== 'number' || Number.isSafeInteger(value)",
        'true',
      ],
      [
        'a timestamptz is read in the time zone of the machine',
        'date.setUTCHours(',
        'date.setHours(',
      ],
      ['years before Christ are one off', 'bc ? 1 - Number(year)', 'bc ? -Number(year)'],
    ],
  ),
]
