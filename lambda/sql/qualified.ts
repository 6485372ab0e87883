const MARKED = /#(?:(?<name>"?[a-z]\w*"?)|(?<operator>[-+*/<>=~!@%^&|?]+))/g

/**
 * SQL of our own, in which `#` stands before each name and operator of PostgreSQL's own:
 * `select #count(*) from #pg_class where a #= b and c::#text #<> 'd'`.
 *
 * The search path of the role decides what an unqualified name means, and an object of another schema also wins when
 * its argument types fit better. So a function, a type, a catalog and an operator always carry `pg_catalog`.
 *
 * An operator written like that binds weaker than `::` and stronger than `is`, `not`, `and` and `or`, whatever it is:
 * put parentheses around everything else. What has no such form is not used: `in`, `like`, `between`, `nullif`,
 * `is distinct from`, `case x when`, `using`. Keywords need no mark: `coalesce`, `extract(… from …)`, `current_user`,
 * `at time zone`, `interval '…'`, `order by`.
 *
 * Interpolated values stay as they are.
 */
export function qualified(parts: TemplateStringsArray, ...values: readonly unknown[]): string {
  const raw = parts.map((part) =>
    part.replace(MARKED, (_, name?: string, operator?: string) =>
      operator === undefined ? `pg_catalog.${name}` : `operator(pg_catalog.${operator})`,
    ),
  )
  return String.raw({ raw }, ...values)
}
