/** What breaks out of quotes, comments, JSON and lines. */
export const PIECES = [
  "'",
  '"',
  '\\',
  '$$',
  '$a$',
  '--',
  '/*',
  '*/',
  ';',
  ':name',
  ':',
  '?',
  '$1',
  '%',
  '%I',
  '_',
  '`',
  '{',
  '}',
  '[',
  ']',
  "E'",
  "\\'",
  '\\\\',
  "''",
  '""',
  '\n',
  '\r\n',
  '\t',
  '\u2028',
  '\u00a0',
  '\u200f',
  '\ufeff',
  'é',
  '漢',
  '😀',
  ' ',
  '  ',
  ' or 1=1',
  '; drop table applied; --',
  "'; select pg_sleep(9); --",
  ') cascade',
  'select',
  'null',
  'true',
  '0',
  '-1',
  '\\x00',
  '\\u0041',
  '\\r',
  'U&',
  "U&'\\0041'",
  '\u0001',
  '\u007f',
  '<',
  '>',
  '&',
  '||',
  '::text',
  '@',
  '#',
  '~',
  '!',
  '|',
  '^',
  'a',
  'B',
  '(',
  ')',
  ',',
  '=',
] as const

/** Strings made to break out of quotes; the same ones for the same seed. */
export class HostileStrings {
  #state: number
  #made = 0

  constructor(seed: number) {
    this.#state = seed
  }

  get made(): number {
    return this.#made
  }

  /** A value of up to twelve pieces. */
  value(): string {
    this.#made += 1
    return this.#text(1 + this.#random(12))
  }

  /** A name that PostgreSQL can keep and that no other call gets: at most 63 bytes, without a dot, not blank. */
  name(): string {
    this.#made += 1
    let text = this.#text(1 + this.#random(8))
    while (Buffer.byteLength(text) > 55) text = text.slice(0, -1).replace(/[\ud800-\udbff]$/, '')
    return `${text}${this.#made.toString(36)}`
  }

  #text(pieces: number): string {
    return Array.from({ length: pieces }, () => PIECES[this.#random(PIECES.length)]).join('')
  }

  #random(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * below)
  }
}
