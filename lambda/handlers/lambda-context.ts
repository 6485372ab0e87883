/** What the handlers need of Lambda's context; told here, so that nobody needs another package for its type. */
export interface LambdaContext {
  readonly awsRequestId: string
  /** How long the function may still run. */
  getRemainingTimeInMillis(): number
}
