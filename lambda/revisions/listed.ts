const MAX_LISTED = 8

/** Some names as a message shows them: not more than fit in one line. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return '(none)'
  const more = names.length - MAX_LISTED
  return names.slice(0, MAX_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
