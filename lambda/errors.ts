/**
 * The request, the configuration or the revision files are wrong, and nothing was run.
 *
 * The message names what is wrong, the value, what is allowed and the fix, in one line.
 * `kind` names the case for programs; graph errors carry Alembic's names.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly kind: string

  constructor(kind: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
