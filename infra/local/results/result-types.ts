import type { Client } from 'pg'

/** How a value's text becomes a Field; `unsupported` makes the whole result fail. */
export type FieldKind =
  | 'boolean'
  | 'long'
  | 'double'
  | 'decimal'
  | 'string'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'json'
  | 'blob'
  | 'unsupported'

export interface ResultType {
  /** `pg_type.typname`, the `typeName` of the column metadata. */
  readonly typeName: string
  /** The name the service prints when it does not support the type. */
  readonly displayName: string
  readonly kind: FieldKind
  /** Kind of an array's elements; undefined for everything else. */
  readonly element?: FieldKind
}

type BuiltIn = readonly [oid: number, typeName: string, kind: FieldKind, arrayOid?: number]

/** Built-in types with a Field, and the arrays documented as supported. */
const supported: readonly BuiltIn[] = [
  [16, 'bool', 'boolean', 1000],
  [17, 'bytea', 'blob'],
  [19, 'name', 'string', 1003],
  [20, 'int8', 'long', 1016],
  [21, 'int2', 'long', 1005],
  [23, 'int4', 'long', 1007],
  [25, 'text', 'string', 1009],
  [114, 'json', 'json', 199],
  [650, 'cidr', 'string'],
  [700, 'float4', 'double', 1021],
  [701, 'float8', 'double', 1022],
  [869, 'inet', 'string'],
  [1042, 'bpchar', 'string', 1014],
  [1043, 'varchar', 'string', 1015],
  [1082, 'date', 'date', 1182],
  [1083, 'time', 'time', 1183],
  [1114, 'timestamp', 'timestamp', 1115],
  [1184, 'timestamptz', 'timestamptz'],
  [1700, 'numeric', 'decimal', 1231],
  [2950, 'uuid', 'string', 2951],
  [3802, 'jsonb', 'json'],
  [3904, 'int4range', 'string'],
  [3906, 'numrange', 'string'],
]

/** Arrays of these are supported although the type alone is not. */
const arrayOnly: readonly BuiltIn[] = [[1560, 'bit', 'string', 1561]]

/** Types whose refusal prints a name of its own; every other type prints `pg_type.typname`. */
const refused: readonly (readonly [oid: number, typeName: string, arrayOid?: number])[] = [
  [18, '"CHAR"', 1002],
  [26, 'OID', 1028],
  [600, 'POINT', 1017],
  [601, 'LSEG', 1018],
  [602, 'PATH', 1019],
  [603, 'BOX', 1020],
  [604, 'POLYGON', 1027],
  [628, 'LINE', 629],
  [705, 'UNKNOWN'],
  [718, 'CIRCLE', 719],
  [774, 'MACADDR8', 775],
  [790, 'MONEY', 791],
  [829, 'MACADDR', 1040],
  [1186, 'INTERVAL', 1187],
  [1266, 'TIMETZ', 1270],
  [1560, 'BIT'],
  [1562, 'VARBIT', 1563],
  [2249, 'RECORD', 2287],
  [2278, 'VOID'],
  [3908, 'TSRANGE', 3909],
  [3910, 'TSTZRANGE', 3911],
  [3912, 'DATERANGE', 3913],
  [3926, 'INT8RANGE', 3927],
  [4072, 'JSONPATH', 4073],
  // Supported themselves, but no array of them.
  [17, 'BYTEA', 1001],
  [650, 'CIDR', 651],
  [869, 'INET', 1041],
  [1184, 'TIMESTAMPTZ', 1185],
  [3802, 'JSONB', 3807],
  [3904, 'INT4RANGE', 3905],
  [3906, 'NUMRANGE', 3907],
]

const builtIn = new Map<number, ResultType>()
for (const [oid, displayName, arrayOid] of refused) {
  const typeName = displayName === '"CHAR"' ? 'char' : displayName.toLowerCase()
  builtIn.set(oid, { typeName, displayName, kind: 'unsupported' })
  if (arrayOid === undefined) continue
  const array = { typeName: `_${typeName}`, displayName: `${displayName}[]` }
  builtIn.set(arrayOid, { ...array, kind: 'unsupported' })
}
for (const [oid, typeName, kind, arrayOid] of [...supported, ...arrayOnly]) {
  // bpchar is printed under its SQL name.
  const displayName = typeName === 'bpchar' ? 'CHAR' : typeName.toUpperCase()
  if (typeName !== 'bit') builtIn.set(oid, { typeName, displayName, kind })
  if (arrayOid === undefined) continue
  const array = { typeName: `_${typeName}`, displayName: `${displayName}[]` }
  builtIn.set(arrayOid, { ...array, kind: 'string', element: kind })
}

/** Extension types that come back as text. */
const textExtensions = new Set(['vector', 'citext'])

const lookUp = `select oid::int8 as oid, typname, typtype::text as typtype
from pg_catalog.pg_type where oid = any($1)`

/**
 * Types of the result columns. The same connection answers for types that are not built in: one
 * created in the open transaction exists nowhere else.
 */
export async function resultTypes(
  client: Client,
  oids: readonly number[],
): Promise<readonly ResultType[]> {
  const unknown = oids.filter((oid) => !builtIn.has(oid))
  const own = unknown.length === 0 ? new Map() : await userTypes(client, unknown)
  return oids.map((oid) => builtIn.get(oid) ?? own.get(oid) ?? unnamed(oid))
}

async function userTypes(
  client: Client,
  oids: readonly number[],
): Promise<ReadonlyMap<number, ResultType>> {
  const { rows } = await client.query<{ oid: string; typname: string; typtype: string }>(lookUp, [
    oids,
  ])
  return new Map(
    rows.map(({ oid, typname, typtype }) => {
      const text = typtype === 'e' || textExtensions.has(typname)
      const kind: FieldKind = text ? 'string' : 'unsupported'
      return [Number(oid), { typeName: typname, displayName: typname, kind }]
    }),
  )
}

function unnamed(oid: number): ResultType {
  return { typeName: String(oid), displayName: String(oid), kind: 'unsupported' }
}
