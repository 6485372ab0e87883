import { mutantsOf } from './mutant.ts'

/** Literals, names, the scanner, refusals. */
export const SQL = [
  ...mutantsOf(
    'lambda/sql/unicode.ts',
    ['sql/literals', 'run/not-unicode'],
    [['half of a surrogate pair is written', 'text.isWellFormed() ? -1 :', "text !== '' ? -1 :"]],
  ),
  ...mutantsOf(
    'lambda/sql/literals.ts',
    ['sql/literals'],
    [
      [
        'a negative number stands without parentheses',
        'value < 0 ? `(${value})` : String(value)',
        'String(value)',
      ],
      [
        'a colon may begin a named parameter',
        'return /[\\\\:]/.test(text)',
        'return /[\\\\]/.test(text)',
      ],
      ['a backslash is not doubled', "'\\\\': '\\\\\\\\', ", ''],
      [
        'no space stands before a literal',
        'return ` ${constant(value)}`',
        'return constant(value)',
      ],
      [
        'a quote ends a name',
        "return name.replaceAll('\"', '\"\"')",
        'return name',
        ['sql/identifiers'],
      ],
      [
        'the length of a name is counted in characters',
        'const bytes = Buffer.byteLength(name)',
        'const bytes = name.length',
        ['sql/identifiers'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/sql/text-forms.ts',
    ['sql/literals', 'sql/literals-in-postgres'],
    [
      ['a backslash in an array element is not doubled', '.replace(/["\\\\]/g', '.replace(/["]/g'],
      ['an empty array is an SQL array', 'if (values.length > 0) return values', 'return values'],
    ],
  ),
  ...mutantsOf(
    'lambda/sql/scanner.ts',
    ['sql/scanner', 'sql/script'],
    [
      [
        'comments do not nest',
        "depth += found[0] === '/*' ? 1 : -1",
        "depth = found[0] === '/*' ? 1 : 0",
      ],
      [
        'a dollar-quoted string ends at any dollar',
        'sql.indexOf(tag, start + tag.length)',
        "sql.indexOf('$', start + tag.length)",
      ],
      [
        'strings on one line are joined',
        'if (sql[next] !== "\'" || !/[\\n\\r]/.test(sql.slice(end, next))) break',
        'if (sql[next] !== "\'") break',
      ],
      [
        "a backslash escapes nothing in E'…'",
        "prefix === 'e' ? 'escaped'",
        "prefix === 'e' ? 'doubled'",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/sql/refusals.ts',
    ['sql/refusals'],
    [
      ['commit is allowed', '/^(begin|commit|end|', '/^(begin|end|'],
      [
        'rollback is allowed',
        '/^rollback\\b(?! (work |transaction )?to\\b)/',
        '/^rollback to to\\b/',
      ],
      ['set session is allowed', '/^set (?!(local|', '/^set (?!(local|session|'],
      [
        'set_config for the session is allowed',
        "return argumentsOf(tokens, open).at(-1)?.at(-1)?.text === 'false'",
        "return argumentsOf(tokens, open).at(-1)?.at(-1)?.text === 'no'",
      ],
      ['a session lock may be tried', '/^pg_(try_)?advisory_', '/^pg_advisory_'],
    ],
  ),
  ...mutantsOf(
    'lambda/sql/statement-tokens.ts',
    ['sql/script', 'sql/refusals'],
    [
      [
        'a statement may be followed by another one',
        'if (second === undefined) return first',
        'if (second !== first) return first',
      ],
      [
        'a semicolon in parentheses ends a statement',
        "token.text === ';' && parentheses === 0 && blocks === 0",
        "token.text === ';' && blocks === 0",
      ],
      [
        'a semicolon ends the body of a routine',
        "token.text === ';' && parentheses === 0 && blocks === 0",
        "token.text === ';' && parentheses === 0",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/sql/torn-literals.ts',
    ['sql/torn-literals'],
    [
      [
        'a value may stand inside quotes',
        'if (!isWholeLiteral(',
        'if (start > end && !isWholeLiteral(',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/sql/classification.ts',
    ['sql/classification'],
    [
      [
        'a concurrent index without a name may be built twice',
        'concurrently (?!on\\b)/',
        'concurrently /',
      ],
      [
        'vacuum may be in a transaction',
        '/^vacuum\\b/,\n  /^(create|drop) (database',
        '/^(create|drop) (database',
      ],
      [
        'returning inside a subquery counts',
        "return depth === 0 && text === 'returning'",
        "return text === 'returning'",
      ],
    ],
  ),
]
