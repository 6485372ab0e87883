import type { CallLog } from './calls.ts'
import { parseFaultRule } from './faults/fault-rule-json.ts'
import type { FaultRules } from './faults/faults.ts'
import type { Answer, HttpCall } from './http-front.ts'
import { parseBody } from './request-checks.ts'
import { ServiceError } from './service-error.ts'

export interface AdminParts {
  readonly calls: CallLog
  readonly faults: FaultRules
  /** Tells this local Aurora from every other process that may answer on its port. */
  readonly identity: string
}

/** `/_local/…`: faults, recorded calls and identity, for other processes on this machine. */
export function adminAnswer(
  { calls, faults, identity }: AdminParts,
  { method, path, body }: HttpCall,
): Answer {
  const { pathname, searchParams } = new URL(path, 'http://127.0.0.1')
  switch (`${method} ${pathname}`) {
    case 'GET /_local/identity':
      return json({ identity, pid: process.pid })
    case 'POST /_local/faults':
      faults.add(parseFaultRule(parseBody(body)))
      return json({})
    case 'DELETE /_local/faults':
      faults.clear()
      return json({})
    case 'GET /_local/calls': {
      const database = searchParams.get('database')
      return json({ calls: database === null ? calls.all : calls.forDatabase(database) })
    }
    default:
      throw new ServiceError(
        'UnknownOperationException',
        404,
        `${method} ${pathname} is unknown: use POST or DELETE /_local/faults, GET /_local/calls`,
      )
  }
}

function json(value: unknown): Answer {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(value) }
}
