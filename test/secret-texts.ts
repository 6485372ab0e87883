/** The secret part of a response URL of CloudFormation. */
export const SIGNATURE = 'X-Amz-Signature-of-the-response-url'

/** Temporary credentials, as a job event of CodePipeline carries them. */
export const CREDENTIALS = { secretAccessKey: 'job-secret-key', sessionToken: 'job-session-token' }
