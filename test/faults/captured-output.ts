import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { vi } from 'vitest'

/** Keeps what is written instead of showing it, until the mocks are restored. */
export function capturedOutput(): string[] {
  const output: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => output.push(String(chunk)) > 0)
  }
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    vi.spyOn(console, method).mockImplementation((...args) => void output.push(args.join(' ')))
  }
  return output
}

export async function passwordOf(secretArn: string): Promise<string> {
  const client = new SecretsManagerClient()
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secretArn }))
  client.destroy()
  return (JSON.parse(SecretString ?? '') as { password: string }).password
}
