import fc from 'fast-check'
import { literal } from '../../lambda/sql/literals.ts'

const HOSTILE_PIECES = [
  ...["'", "''", '"', '\\', '\\\\', "\\'", ':', '::', ':name', ';', '--', '/*', '*/', '$$', '$a$'],
  ...[
    '\n',
    '\r\n',
    '\t',
    '\u0001',
    '\u00a0',
    '\ufeff',
    '😀',
    'é',
    '\u2028',
    '?',
    '$1',
    '{',
    '}',
    ',',
  ],
  ...[
    "' or 1=1 --",
    "'; drop table t; --",
    "E'",
    "U&'",
    '\\x3a',
    '\\u0041',
    '%s',
    'NULL',
    '`',
    '|',
  ],
]

/** Strings made of what quotes, comments, escapes and placeholders are made of. */
export const hostileString = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(fc.constantFrom(...HOSTILE_PIECES), { maxLength: 12 })
      .map((pieces) => pieces.join('')),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: 'binary', maxLength: 30 })
      .map((text) => text.replaceAll('\0', '')),
  },
  {
    weight: 1,
    arbitrary: fc.string({
      unit: fc.constantFrom("'", '\\', ':', 'n', 'x', '3', 'a', '\n', '"'),
      maxLength: 30,
    }),
  },
)

/** A number as libpg-query shows it: beyond int4 as its digits. */
const parsedNumber = (value: number | bigint): string | number =>
  Number.isInteger(Number(value)) && Math.abs(Number(value)) < 2 ** 31
    ? Number(value) + 0
    : String(value)

/** A value as it is written, and as libpg-query shows the constant. */
export const writtenValue: fc.Arbitrary<[written: string, value: unknown]> = fc.oneof(
  hostileString.map((value): [string, unknown] => [literal(value), value]),
  fc
    .oneof(
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(-1, 0, -5n, 2 ** 31, -(2 ** 31)),
    )
    .map((value): [string, unknown] => [literal(value), parsedNumber(value)]),
  fc.constantFrom(null, true, false).map((value): [string, unknown] => [literal(value), value]),
)

const operator = fc
  .string({ unit: fc.constantFrom(...'~!@#^&|`?+-*/%<>='), minLength: 1, maxLength: 4 })
  // PostgreSQL lets an operator of several characters end in + or - only if it holds one of the others.
  .filter((text) => !/--|\/\*|^=>$/.test(text) && (text.length === 1 || /[~!@#^&|`?%]/.test(text)))

const OPEN = ['select', 'select distinct', 'select all', 'select a,', 'select not', 'select a and']
const AFTER_OPERAND = ['or', 'like', 'similar to', 'is distinct from', 'between b and', 'not like']
const CLAUSES = ['where', 'limit', 'offset', 'order by', 'group by', 'having', 'join u on']
const AROUND: readonly (readonly [before: string, after: string])[] = [
  ['select (', ')'],
  ['select f(', ')'],
  ['select f(a,', ', b)'],
  ['select f(a =>', ')'],
  ['select f(a :=', ')'],
  ['select a in (', ')'],
  ['select array[', ']'],
  ['select a[b:', ']'],
  ['select cast(', ' as text)'],
  ['select', '::text'],
  ['select', ' as b'],
  ['select', '\nfrom t'],
  ['select', '-- comment'],
  ['select', '/* comment */'],
  ['select', ';'],
  ['select case when', ' then a end'],
  ['select case when a then', ' else b end'],
  ['select case when a then b else', ' end'],
  ['values (', ')'],
  ['insert into t (a) values (', '), (b)'],
  ['update t set a =', ' where b'],
  ['update t set a =', ', b = c'],
  ['delete from t where a =', ' returning *'],
]

/** Statements without a constant, in two parts between which a value may stand. */
export const context: fc.Arbitrary<readonly [before: string, after: string]> = fc.oneof(
  operator.map((text) => [`select a ${text}`, ''] as const),
  operator.map((text) => [`select a${text}`, ' from t'] as const),
  fc.constantFrom(...OPEN).map((text) => [text, ''] as const),
  fc.constantFrom(...AFTER_OPERAND).map((text) => [`select a ${text}`, ''] as const),
  fc.constantFrom(...CLAUSES).map((text) => [`select a from t ${text}`, ''] as const),
  fc.constantFrom(...AROUND),
)

/** What may stand before a value. */
export const blank = fc.constantFrom(
  '',
  ' ',
  '\n',
  '\r\n',
  '\t',
  ' -- comment\n',
  '/* comment */',
  '\n\n',
)

/** Text that breaks what stands beside it, in most cases. */
export const hostileText = fc
  .array(
    fc.constantFrom(
      ...[
        "'",
        '"',
        "'x'",
        '"x"',
        "E'x'",
        "'\\'",
        "E'\\'",
        '$$',
        '$a$',
        '--',
        '/*',
        '*/',
        '\n',
        ' ',
      ],
      ...[
        'a',
        '1',
        '.',
        ',',
        '=',
        '||',
        '(',
        ')',
        '::text',
        ' as b',
        ' from t',
        '::',
        '?',
        '@-',
        ';',
        'e',
        '$1',
      ],
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''))
