/** As the SDK's clients take them. */
interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

/**
 * Stands for `@aws-sdk/credential-provider-node` in a bundle for Lambda, which puts the credentials of the function's
 * role into the environment: what looks for profiles, single sign-on and metadata services is a quarter of a bundle.
 */
export function defaultProvider(): () => Promise<Credentials> {
  return async () => {
    const {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    } = process.env
    if (!accessKeyId || !secretAccessKey) throw new NoCredentials()
    return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }
  }
}

/** Named as the SDK names it. */
class NoCredentials extends Error {
  override readonly name = 'CredentialsProviderError'

  constructor() {
    super(
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not in the environment, where Lambda puts them and a bundle for Lambda looks for them: set them, or use the command line, which knows profiles and single sign-on',
    )
  }
}
