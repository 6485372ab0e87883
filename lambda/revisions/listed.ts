const MAX_LISTED = 8
const MAX_SHOWN = 80

/** What somebody typed, as a message of one line shows it: cut, and without line breaks. */
export function shown(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text
  return cut.toWellFormed().replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
}

/** Some names as a message shows them: not more than fit in one line. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return '(none)'
  const more = names.length - MAX_LISTED
  const first = names.slice(0, MAX_LISTED).map(shown)
  return first.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
