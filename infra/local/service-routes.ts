import { setTimeout as sleep } from 'node:timers/promises'
import type { Call, CallLog, Operation } from './calls.ts'
import type { BackendControl } from './data-api/backend-control.ts'
import type { CallEffects } from './data-api/call-effects.ts'
import type { DataApi } from './data-api/data-api.ts'
import type { TransactionTable } from './data-api/transactions.ts'
import { backendKilled, faultError } from './faults/fault-errors.ts'
import type { FaultKind, FaultRules } from './faults/faults.ts'
import { type Answer, errorAnswer, type HttpCall, type NoAnswer } from './http-front.ts'
import { parseBody, type WireRequest } from './request-checks.ts'
import type { SecretStore } from './secrets.ts'
import { ServiceError } from './service-error.ts'

export interface ServiceParts {
  readonly dataApi: DataApi
  readonly secrets: SecretStore
  readonly transactions: TransactionTable
  readonly backends: BackendControl
  readonly calls: CallLog
  readonly faults: FaultRules
  readonly latencyMs: number
}

type DataApiOperation = Exclude<Operation, 'GetSecretValue'>

const operations: Readonly<Record<string, DataApiOperation>> = {
  '/BeginTransaction': 'BeginTransaction',
  '/CommitTransaction': 'CommitTransaction',
  '/RollbackTransaction': 'RollbackTransaction',
  '/Execute': 'ExecuteStatement',
  '/BatchExecute': 'BatchExecuteStatement',
}

/** The routes of AWS: recorded, subject to faults, answered as the services do. */
export class ServiceRoutes {
  readonly #parts: ServiceParts

  constructor(parts: ServiceParts) {
    this.#parts = parts
  }

  async answer(http: HttpCall): Promise<Answer | NoAnswer> {
    let answer: Answer | NoAnswer
    try {
      const operation = operationOf(http)
      refuseUnsigned(http)
      answer = await this.#answerRecorded(operation, http)
    } catch (error) {
      answer = errorAnswer(error)
    }
    if (typeof answer === 'string' || http.headers['x-amz-target'] === undefined) return answer
    return awsJsonAnswer(answer)
  }

  async #answerRecorded(operation: Operation, http: HttpCall): Promise<Answer | NoAnswer> {
    const request = parseBody(http.body)
    const call = this.#record(operation, request, http)
    const answer = await this.#answerFaulted(call, request)
    if (typeof answer === 'string') return answer
    if (operation !== 'GetSecretValue' && this.#parts.latencyMs > 0) {
      await sleep(this.#parts.latencyMs)
    }
    call.status = answer.status
    if (answer.errorName !== undefined) call.errorName = answer.errorName
    call.ms = Date.now() - call.startedAt
    return answer
  }

  async #answerFaulted(call: Call, request: WireRequest): Promise<Answer | NoAnswer> {
    const fault = this.#parts.faults.match(call)
    if (fault === 'freeze') return 'silent'
    if (fault === 'cut-before') return 'cut'
    const before = fault === undefined ? undefined : faultError(fault, 'before')
    if (before !== undefined) return errorAnswer(before)
    const running = this.#run(call, request, fault)
    // Nobody hears the answer; it never rejects.
    if (typeof fault === 'object' && 'late' in fault) return 'cut'
    const answer = await running
    if (fault === 'cut-after') return 'cut'
    if (typeof fault === 'object' && 'delay' in fault) await sleep(fault.delay)
    const after = fault === undefined ? undefined : faultError(fault, 'after')
    return after === undefined ? answer : errorAnswer(after)
  }

  async #run(
    { operation, transactionId }: Call,
    request: WireRequest,
    fault: FaultKind | undefined,
  ): Promise<Answer> {
    const { dataApi, transactions } = this.#parts
    try {
      if (fault === 'transaction-expired' && transactionId !== undefined) {
        await transactions.end(transactionId, 'expired')
      }
      const body = await this.#operate(operation, request, this.#effects(fault), dataApi)
      return { status: 200, contentType: 'application/json', body }
    } catch (error) {
      return errorAnswer(error)
    }
  }

  async #operate(
    operation: Operation,
    request: WireRequest,
    effects: CallEffects,
    dataApi: DataApi,
  ): Promise<string> {
    switch (operation) {
      case 'BeginTransaction':
        return dataApi.beginTransaction(request, effects)
      case 'CommitTransaction':
        return dataApi.commitTransaction(request, effects)
      case 'RollbackTransaction':
        return dataApi.rollbackTransaction(request, effects)
      case 'ExecuteStatement':
        return dataApi.executeStatement(request, effects)
      case 'BatchExecuteStatement':
        return dataApi.batchExecuteStatement(request, effects)
      case 'GetSecretValue':
        return JSON.stringify(this.#parts.secrets.value(request))
    }
  }

  #effects(fault: FaultKind | undefined): CallEffects {
    if (fault === 'statement-timeout') return { timeOut: true }
    if (fault === 'password-rejected') return { rejectPassword: true }
    if (typeof fault === 'object' && 'late' in fault) {
      return { hideTransaction: true, onBackend: async () => await sleep(fault.late) }
    }
    if (fault !== 'kill-backend') return {}
    return {
      onBackend: async (pid) => {
        await this.#parts.backends.terminate(pid)
        throw backendKilled()
      },
    }
  }

  #record(operation: Operation, request: WireRequest, { headers, body }: HttpCall): Call {
    const text = (member: string) => {
      const value = request[member]
      return typeof value === 'string' && value !== '' ? value : undefined
    }
    const transactionId = text('transactionId')
    const ofTransaction =
      transactionId === undefined ? undefined : this.#parts.transactions.databaseOf(transactionId)
    const attempt = /attempt=(\d+)/.exec(String(headers['amz-sdk-request']))?.[1]
    const optional = {
      database: ofTransaction ?? text('database'),
      sql: text('sql'),
      transactionId,
      parameters: request.parameters ?? request.parameterSets,
      invocationId: headers['amz-sdk-invocation-id']?.toString(),
      attempt: attempt === undefined ? undefined : Number(attempt),
    }
    const present = Object.entries(optional).filter(([, value]) => value !== undefined)
    return this.#parts.calls.add({ operation, ...Object.fromEntries(present) }, body.length)
  }
}

/** Secrets Manager speaks AWS JSON 1.1: other content type, and the error name in the body. */
function awsJsonAnswer(answer: Answer): Answer {
  const contentType = 'application/x-amz-json-1.1'
  if (answer.errorName === undefined) return { ...answer, contentType }
  const { message } = JSON.parse(answer.body)
  return {
    ...answer,
    contentType,
    body: JSON.stringify({ __type: answer.errorName, Message: message }),
  }
}

function operationOf({ method, path, headers }: HttpCall): Operation {
  const target = headers['x-amz-target']
  if (target === 'secretsmanager.GetSecretValue') return 'GetSecretValue'
  if (target !== undefined) {
    throw new ServiceError('UnknownOperationException', 400, `${target} is not supported here`)
  }
  const operation = method === 'POST' ? operations[path] : undefined
  if (operation !== undefined) return operation
  if (path === '/ExecuteSql') {
    throw new ServiceError('BadRequestException', 400, 'ExecuteSql is not supported')
  }
  throw new ServiceError('UnknownOperationException', 404, `${method} ${path} is not an operation`)
}

function refuseUnsigned({ headers }: HttpCall): void {
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') === true) return
  throw new ServiceError('MissingAuthenticationTokenException', 403, 'Missing Authentication Token')
}
