/** Elements of a one-dimensional array in PostgreSQL's text form; undefined for more dimensions. */
export function arrayElements(text: string): (string | null)[] | undefined {
  // Bounds other than 1 are written in front: `[0:1]={a,b}`.
  const body = text.slice(text.indexOf('{') + 1, -1)
  if (body === '') return []
  if (body.startsWith('{')) return undefined
  const elements: (string | null)[] = []
  const element = /"((?:[^"\\]|\\.)*)"|[^,]+/gs
  for (const [raw, quoted] of body.matchAll(element)) {
    if (quoted !== undefined) elements.push(quoted.replace(/\\(.)/gs, '$1'))
    else elements.push(raw === 'NULL' ? null : raw)
  }
  return elements
}
