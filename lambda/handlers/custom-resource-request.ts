import { CommandError } from '../errors.ts'
import { isId, keysOf, shown } from './event-value.ts'

/** What is taken of a Create or an Update. The rest of the event holds the response URL and is never logged. */
export interface CustomResourceRequest {
  readonly type: 'Create' | 'Update'
  readonly id: string
  /** What the resource is called already, or is to be called. */
  readonly physicalId: string
  readonly target: string
  /** Epoch milliseconds; of `isComplete` only. */
  readonly deadline: number | undefined
}

/** A Delete is a success whatever else is in it. */
export function isDelete(event: unknown): boolean {
  return keysOf(event).RequestType === 'Delete'
}

/** Throws a {@link CommandError} that names what is wrong and what is allowed. */
export function readRequest(event: unknown): CustomResourceRequest {
  const { RequestType, RequestId, PhysicalResourceId, ResourceProperties, Deadline } = keysOf(event)
  if (RequestType !== 'Create' && RequestType !== 'Update') {
    throw wrong('RequestType', RequestType, 'Create, Update or Delete')
  }
  if (!isId(RequestId)) {
    throw wrong('RequestId', RequestId, 'the id that CloudFormation gave the request')
  }
  if (PhysicalResourceId !== undefined && typeof PhysicalResourceId !== 'string') {
    throw wrong('PhysicalResourceId', PhysicalResourceId, 'a text, or missing in a Create')
  }
  if (Deadline !== undefined && !Number.isFinite(Deadline)) {
    throw wrong('Deadline', Deadline, 'the milliseconds since 1970 that onEvent answered')
  }
  const properties = readProperties(keysOf(ResourceProperties))
  return {
    type: RequestType,
    id: RequestId,
    physicalId: PhysicalResourceId ?? physicalId(properties),
    target: properties.Target.trim(),
    deadline: Deadline as number | undefined,
  }
}

/** The properties that the construct gives the resource, each with an example. */
const EXAMPLES = {
  Target: 'heads',
  Cluster: 'arn:aws:rds:eu-central-1:123456789012:cluster:shop',
  Database: 'shop',
  VersionTable: 'public.alembic_version',
} as const

type Properties = Record<keyof typeof EXAMPLES, string>

function readProperties(given: Readonly<Record<string, unknown>>): Properties {
  const property = (name: keyof Properties) => {
    const value = given[name]
    if (typeof value === 'string' && value.trim() !== '') return value
    throw wrong(
      `property ${name} of the custom resource`,
      value,
      `a text such as '${EXAMPLES[name]}'`,
    )
  }
  return {
    Target: property('Target'),
    Cluster: property('Cluster'),
    Database: property('Database'),
    VersionTable: property('VersionTable'),
  }
}

/** The same for ever: another id would make CloudFormation delete the resource under the old one. */
function physicalId({ Cluster, Database, VersionTable }: Properties): string {
  const cluster = Cluster.split(':').at(-1) ?? ''
  return ['aurora-migrations', cluster, Database, VersionTable]
    .map((part) => part.slice(0, 128).toWellFormed())
    .join('/')
}

function wrong(what: string, value: unknown, allowed: string): CommandError {
  const place = what.startsWith('property') ? `the ${what}` : `${what} of the event`
  return new CommandError('BadRequest', `${place} is ${shown(value)}: it must be ${allowed}`)
}
