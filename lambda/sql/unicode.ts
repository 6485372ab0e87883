/** A character that PostgreSQL text cannot hold. */
export interface TextFault {
  readonly kind: 'NUL' | 'half of a surrogate pair'
  /** Where it is, in UTF-16 units from 0. */
  readonly index: number
}

const HALF_OF_A_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

/**
 * The first of the characters in a text that PostgreSQL cannot hold; undefined for a text without one.
 *
 * Half of a surrogate pair has no UTF-8 form: on its way through the SDK it becomes U+FFFD, and no error says so.
 */
export function textFault(text: string): TextFault | undefined {
  const nul = text.indexOf('\0')
  const half = text.isWellFormed() ? -1 : text.search(HALF_OF_A_PAIR)
  if (half >= 0 && (nul < 0 || half < nul)) return { kind: 'half of a surrogate pair', index: half }
  return nul < 0 ? undefined : { kind: 'NUL', index: nul }
}
