const INSIDE =
  /^(?<before>.*?)(?:with |, )"(?<rows>aurora_rows(?:_\d+)?)" as materialized \(\n(?<sql>.*)\n\)/s

/** A statement as its author wrote it, without the one of ours around it that keeps or counts its rows. */
export function writtenStatement(sql: string): string {
  const { before = '', rows, sql: inside } = INSIDE.exec(sql)?.groups ?? {}
  if (inside === undefined) return sql
  const [written] = inside.split(`\n), "${rows}_was" as materialized (\n`)
  return `${before}${written}`
}
