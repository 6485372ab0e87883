export { createInvoke, type InvokeResponse } from './invoke.ts'
