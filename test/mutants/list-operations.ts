import { mutantsOf } from './mutant.ts'

/** Bulk operations, models, scripts. */
export const OPERATIONS = [
  ...mutantsOf(
    'lambda/operations/bulk/bulk-insert.ts',
    [
      'operations/bulk/bulk-insert',
      'operations/bulk/bulk-insert-values',
      'operations/bulk/bulk-insert-calls',
      'operations/bulk/bulk-insert-order',
    ],
    [
      [
        'rows that a trigger dropped are not missed',
        'if (answer.length !== indexes.length) {',
        'if (answer.length > indexes.length) {',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/update-statement.ts',
    ['operations/bulk/bulk-update', 'operations/bulk/bulk-update-keys'],
    [
      [
        'a key that matches no row is fine',
        '...(requiresMatch ? [allMatch(update, names)] : []),',
        '',
      ],
      ['keys that are equal to PostgreSQL are fine', 'allDiffer(update, names),', ''],
      ['a chunk forgets the keys of the one before', 'const all = isFirst', 'const all = true'],
    ],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/bulk-update.ts',
    ['operations/bulk/bulk-update'],
    [
      [
        'of two rows with one key either wins',
        'if (other !== undefined) throw',
        'if (other === -1) throw',
      ],
      ['a row may lack its key', 'if (lacking !== undefined) {', "if (lacking === '') {"],
    ],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/row-groups.ts',
    ['operations/bulk/bulk-insert', 'operations/bulk/bulk-insert-values'],
    [
      ['the JSON null is taken for NULL', 'isJsonNull(row[name]) ? `${name}\\0` : name', 'name'],
      ['a value that JSON cannot hold is written by JSON.stringify', 'column.isPlain = false', ''],
    ],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/column-texts.ts',
    ['operations/bulk/bulk-insert-null-text'],
    [['a value may be the text that stands for NULL', "text += 'N'", "return 'N'"]],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/column-types.ts',
    ['operations/bulk/bulk-insert-calls', 'operations/bulk/bulk-insert-values'],
    [
      ['arrays are cast from their JSON', " and t.typcategory #<> 'A'", ''],
      ['domains are cast, which cuts', "'{b,e,r,m}'", "'{b,e,r,m,d}'"],
    ],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/row-chunks.ts',
    ['operations/bulk/bulk-insert-calls', 'operations/bulk/bulk-insert'],
    [['a request has no limit', 'bytes + size > chunkBytes || ', '']],
  ),
  ...mutantsOf(
    'lambda/operations/bulk/request-size.ts',
    ['operations/bulk/request-size'],
    [['a quote takes one byte of a request', 'size += 3', 'size += 0']],
  ),
  ...mutantsOf(
    'lambda/session/kysely-dialect.ts',
    ['session/long-values'],
    [
      [
        'a long statement does not send its values beside it',
        'if (compiled.sql.length <= MAX_SQL_CHARACTERS) return compiled',
        'return compiled',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/orm/driver.ts',
    ['orm/orm', 'orm/divided-lists', 'orm/statement-size'],
    [
      [
        'an ordered result is read in parts',
        'needsWholeResult(options) || !Utils.isEmpty(orderBy)',
        'false',
      ],
      [
        'a transaction of another isolation level is taken for one',
        'if (options.isolationLevel !== undefined || options.readOnly) throw',
        'if (options.readOnly === null) throw',
        ['orm/orm', 'orm/errors'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/orm/platform.ts',
    ['orm/hostile-values', 'orm/values'],
    [
      [
        'a question mark in a value takes the next value',
        "if (!constant.includes('?')) return constant",
        'return constant',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/operations/watched-kysely.ts',
    ['operations/watched-kysely', 'operations/not-awaited'],
    [["a builder's forgotten execute() is not seen", "  'executeTakeFirst',\n", '']],
  ),
  ...mutantsOf(
    'lambda/offline/script-table.ts',
    ['offline'],
    [
      ['a script takes no lock', 'begin([\n        this.#lockIsFree(),', 'begin(['],
      [
        'a script does not look at the version rows that it finds',
        'sql: `not exists (${others}) and ${count}`',
        'sql: `not exists (${others})`',
      ],
      ['a body may hold its own dollar quote', 'body.includes(tag)', 'body === tag'],
    ],
  ),
  ...mutantsOf(
    'lambda/offline/offline.ts',
    ['offline'],
    [
      [
        'a script makes up the rows that a revision asks for',
        'if (includeResultMetadata) throw',
        'if (includeResultMetadata === null) throw',
      ],
    ],
  ),
]
