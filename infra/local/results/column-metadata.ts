import type { ResultColumn } from '../data-api/bound-query.ts'
import type { ResultType } from './result-types.ts'

/** Numbers of `java.sql.Types`, which the service's metadata uses. */
const sqlTypes: Readonly<Record<string, number>> = {
  bool: -7,
  bytea: -2,
  bpchar: 1,
  date: 91,
  float4: 7,
  float8: 8,
  int2: 5,
  int4: 4,
  int8: -5,
  name: 12,
  numeric: 2,
  text: 12,
  time: 92,
  timestamp: 93,
  timestamptz: 93,
  varchar: 12,
}
const otherType = 1111
const arrayType = 2003
const nullabilityUnknown = 2
const signed = new Set(['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'])
const caseless = new Set([...signed, 'bool', 'date', 'time', 'timestamp', 'timestamptz'])

/** One entry of `columnMetadata`; what a statement's description does not tell stays empty. */
export function columnMetadata(
  column: ResultColumn,
  type: ResultType,
): Readonly<Record<string, unknown>> {
  const array = type.element !== undefined
  const base = array ? type.typeName.slice(1) : type.typeName
  const baseType = sqlTypes[base] ?? otherType
  return {
    arrayBaseColumnType: array ? baseType : 0,
    isAutoIncrement: false,
    isCaseSensitive: !caseless.has(base),
    isCurrency: false,
    isSigned: signed.has(base),
    label: column.name,
    name: column.name,
    nullable: nullabilityUnknown,
    ...size(base, column.dataTypeModifier),
    schemaName: '',
    tableName: '',
    type: array ? arrayType : baseType,
    typeName: type.typeName,
  }
}

/** Declared length or precision; 0 when the type was declared without. */
function size(typeName: string, modifier: number): { precision: number; scale: number } {
  if (modifier < 4) return { precision: 0, scale: 0 }
  const declared = modifier - 4
  if (typeName === 'numeric') return { precision: declared >> 16, scale: declared & 0x7ff }
  if (typeName === 'varchar' || typeName === 'bpchar') return { precision: declared, scale: 0 }
  return { precision: 0, scale: 0 }
}
