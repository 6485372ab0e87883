import { qualified } from './qualified.ts'

/**
 * The settings that decide how PostgreSQL reads the text of statements and values, as they have to be in the
 * transactions of a run. With any other value it reads something else than was written, and no error says so.
 *
 * `DateStyle`, `IntervalStyle`, `TimeZone`, `bytea_output`, `extra_float_digits`, `backslash_quote` and `xmloption` are
 * the revision's own: nothing that is written here depends on them.
 */
export const READING_SETTINGS = {
  client_encoding: 'UTF8',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
} as const

type ReadingSetting = keyof typeof READING_SETTINGS

const REASONS: Readonly<Record<ReadingSetting, string>> = {
  client_encoding:
    'the Data API sends text as UTF-8, so with any other encoding PostgreSQL stores other characters than were written: remove it, and convert a file in another encoding before (iconv -f latin1 -t utf-8)',
  standard_conforming_strings:
    "a backslash in '…' would end statements and values elsewhere than they were written: remove it, and write strings with backslash escapes as E'…'",
  array_nulls:
    "a null in an array would become the text 'NULL': remove it, and write that text as '{\"NULL\"}'",
}

/** Values that mean the same as the one that a setting has to have. */
const SAME: Readonly<Record<ReadingSetting, RegExp>> = {
  // PostgreSQL drops all but letters and digits of the name of an encoding.
  client_encoding: /^[^a-z\d]*(u[^a-z\d]*t[^a-z\d]*f[^a-z\d]*8|unicode)[^a-z\d]*$/i,
  standard_conforming_strings: /^(on|1|t(r(ue?)?)?|y(es?)?)$/i,
  array_nulls: /^(on|1|t(r(ue?)?)?|y(es?)?)$/i,
}

/**
 * Why a setting may not get this value; undefined when it may. `value` is undefined where the text of the statement does
 * not tell it.
 */
export function readingRefusal(setting: string, value: string | undefined): string | undefined {
  const name = setting.toLowerCase()
  if (!isReadingSetting(name)) return undefined
  return value !== undefined && SAME[name].test(value)
    ? undefined
    : `it sets ${name}, and ${REASONS[name]}`
}

function isReadingSetting(name: string): name is ReadingSetting {
  return Object.hasOwn(READING_SETTINGS, name)
}

/** SQL for the select list of a statement of ours: gives each setting its value until the end of the transaction. */
export const SET_READING: string = Object.entries(READING_SETTINGS)
  .map(([name, value]) => qualified`#set_config('${name}', '${value}', true) as ${name}`)
  .join(', ')

/** SQL for a select list: the values that the settings have. */
export const LOOK_AT_READING: string = Object.keys(READING_SETTINGS)
  .map((name) => qualified`#current_setting('${name}') as ${name}`)
  .join(', ')

/** What is wrong with the row of {@link LOOK_AT_READING}: a function or a `do` block has changed a setting; undefined for nothing. */
export function readingProblem(row: Readonly<Record<string, unknown>>): string | undefined {
  for (const [name, value] of Object.entries(READING_SETTINGS)) {
    const found = row[name]
    if (found === value) continue
    return `a function or do block has set ${name} to ${String(found)}, and ${REASONS[name as ReadingSetting]}`
  }
  return undefined
}
