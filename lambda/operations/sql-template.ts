import { type RawBuilder, sql as template } from 'kysely'
import { OperationCalls, shortened } from './operation-call.ts'

type Sql = typeof template

/**
 * SQL with values: each becomes a literal, or a part of the statement when it is a template or a builder itself.
 *
 * Kysely's `sql`, which besides notes the statements that a revision makes: one that is never run fails the revision. A
 * part of a statement, such as sql`now()`, may stay unused.
 */
export const sql: Sql = Object.assign(
  <T>(strings: TemplateStringsArray, ...values: unknown[]) =>
    noted(template<T>(strings, ...values), strings.join('…')),
  template,
  { raw: <T>(text: string) => noted(template.raw<T>(text), text) },
)

/** How a statement begins, and a part of one hardly ever. */
const STATEMENT =
  /^(?:\s|--.*\n|\/\*[\s\S]*?\*\/)*(?:insert|update|delete|merge|select|with|create|alter|drop|truncate|grant|revoke|refresh|call|comment\s+on)\s/i

/** The methods that run a template, or make it a part of something else. */
const USES = ['as', 'compile', 'toOperationNode', 'withPlugin', '$castTo', '$notNull'] as const

function noted<T>(builder: RawBuilder<T>, text: string): RawBuilder<T> {
  const calls = OperationCalls.current
  if (calls === undefined || !STATEMENT.test(text)) return builder
  const shown = shortened(text)
  const used = calls.unsent.note(
    () =>
      `running sql\`${shown}\`: pass it to op.execute or op.query, or add .execute(op.getBind())`,
  )
  const methods = builder as unknown as Record<string, (...args: unknown[]) => unknown>
  for (const name of USES) {
    const method = methods[name]
    methods[name] = (...args) => {
      used()
      return method?.apply(builder, args)
    }
  }
  const execute = builder.execute.bind(builder)
  builder.execute = (...args) => {
    used()
    return calls.start('sql`…`.execute', async (note) => {
      note(text)
      return await execute(...args)
    })
  }
  return builder
}
