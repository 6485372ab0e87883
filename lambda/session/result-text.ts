/** A column of a result. Types are the numbers of `pg_type`, of which the built-in ones never change. */
export interface TextColumn {
  readonly name: string
  /** Of a domain, the type below it. */
  readonly type: number
  /** Of an array, the type of its elements. */
  readonly element?: number
}

/** A result in which each value is what PostgreSQL prints of it. */
export interface TextResult {
  readonly columns: readonly TextColumn[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Reads the text that `kept-rows.ts` has PostgreSQL write. */
export function resultOf(text: string): TextResult {
  const end = text.indexOf('\n')
  const columns = columnsOf(JSON.parse(text.slice(0, end)) as Columns)
  return { columns, rows: rowsOf(text, end + 1, columns.length) }
}

interface Columns {
  /** `null` when there are no columns. */
  readonly names: readonly string[] | null
  /** For the column with a number, in this order: its type, the type below that, …, that of its elements, …. */
  readonly types: readonly (readonly [number: number, isElement: boolean, type: string])[] | null
}

function columnsOf({ names, types }: Columns): TextColumn[] {
  return (names ?? []).map((name, number) => {
    const typesOf = (element: boolean) =>
      (types ?? []).filter((entry) => entry[0] === number && entry[1] === element)
    const element = typesOf(true).at(-1)?.[2]
    return {
      name,
      type: Number(typesOf(false).at(-1)?.[2]),
      ...(element !== undefined && { element: Number(element) }),
    }
  })
}

const QUOTE = 34
const COMMA = 44
const CLOSE = 41

/** Records follow each other, `(1,"a ""b""",)`: nothing between a comma and the next is a null. */
function rowsOf(text: string, from: number, columns: number): (string | null)[][] {
  const rows: (string | null)[][] = []
  let at = from
  while (at < text.length) {
    const row: (string | null)[] = []
    do {
      at += 1
      const start = at
      at = endOfValue(text, start)
      if (row.length < columns) row.push(fieldOf(text, start, at))
    } while (text.charCodeAt(at) === COMMA)
    rows.push(row)
    at += 1
  }
  return rows
}

function endOfValue(text: string, start: number): number {
  let at = start
  if (text.charCodeAt(at) !== QUOTE) {
    for (let code = text.charCodeAt(at); code !== COMMA && code !== CLOSE; ) {
      at += 1
      code = text.charCodeAt(at)
    }
    return at
  }
  // A quote in the value is written twice.
  do at = text.indexOf('"', at + 1) + 1
  while (text.charCodeAt(at) === QUOTE)
  return at
}

function fieldOf(text: string, start: number, end: number): string | null {
  if (start === end) return null
  if (text.charCodeAt(start) !== QUOTE) return text.slice(start, end)
  return text
    .slice(start + 1, end - 1)
    .replaceAll('""', '"')
    .replaceAll('\\\\', '\\')
}
