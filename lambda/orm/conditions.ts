import { Utils } from '@mikro-orm/sql'

/** The list that makes a condition long, and the condition with only a part of it. */
export interface ConditionList<Where> {
  readonly values: readonly unknown[]
  with(part: readonly unknown[]): Where
}

/**
 * The longest list of a condition that can be divided: rows that meet `a in (1, 2)` are those that meet `a in (1)` and
 * those that meet `a in (2)`, and none is among both, as long as all else is joined to it with `and`.
 *
 * `branches` also takes the list of an `or`, where a row can be among both.
 */
export function longestList<Where>(
  where: Where,
  branches: boolean,
): ConditionList<Where> | undefined {
  if (!Utils.isPlainObject(where)) return undefined
  const condition: Record<string, unknown> = where
  const lists = Object.keys(condition).flatMap((key) =>
    listsUnder(key, condition[key], branches).map((list) => ({
      values: list.values,
      with: (part: readonly unknown[]) => ({ ...condition, [key]: list.with(part) }) as Where,
    })),
  )
  return lists.sort((a, b) => b.values.length - a.values.length)[0]
}

function listsUnder(key: string, value: unknown, branches: boolean): ConditionList<unknown>[] {
  if (key === '$or' && Array.isArray(value)) {
    return branches ? [{ values: value, with: (part) => [...part] }] : []
  }
  if (key === '$and' && Array.isArray(value)) {
    return value.flatMap((inner: unknown, index) => {
      const list = longestList(inner, branches)
      return list
        ? [{ values: list.values, with: (part) => value.with(index, list.with(part)) }]
        : []
    })
  }
  if (!Utils.isPlainObject(value) || Object.keys(value).length !== 1) return []
  const { $in: values } = value as { $in?: unknown }
  return Array.isArray(values) ? [{ values, with: (part) => ({ $in: [...part] }) }] : []
}
