import { mutantsOf } from './mutant.ts'

/** Deployments, custom resource, CodePipeline, invoke, the secret. */
export const HANDLERS = [
  ...mutantsOf(
    'lambda/handlers/deployment.ts',
    ['handlers/custom-resource', 'handlers/custom-resource-lives', 'handlers/codepipeline'],
    [
      [
        'a delivery of a request that has failed runs it again',
        'return failure !== undefined || (moved',
        'return (moved',
        ['handlers/retried-deployments'],
      ],
      [
        'a database that is ahead is fine for a new stack',
        "report.error?.kind === 'RevisionNotFound' && request.mayBeAhead",
        "report.error?.kind === 'RevisionNotFound'",
      ],
      [
        'missing permissions are waited for after a revision has failed for them',
        "error?.kind !== 'MigrationError' && ",
        '',
        ['handlers/retried-deployments'],
      ],
      [
        'the last life of a deployment counts as one of many',
        'fullTime: timeLeftMs >= lifeMs,',
        'fullTime: timeLeftMs < lifeMs,',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/deployment-target.ts',
    ['handlers/custom-resource', 'handlers/codepipeline', 'handlers/refused-events'],
    [
      [
        'a deployment may count from what is applied',
        'if (!/[+-]\\d+$/.test(target)) return target',
        'return target',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/custom-resource-request.ts',
    ['handlers/custom-resource', 'handlers/refused-events'],
    [
      ['a Delete is not recognised', "RequestType === 'Delete'", "RequestType === 'delete'"],
      [
        'an update gives the resource a new id',
        'PhysicalResourceId ?? physicalId(properties)',
        'physicalId(properties)',
        ['handlers/physical-id'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/custom-resource.ts',
    ['handlers/custom-resource', 'handlers/custom-resource-lives'],
    [
      [
        'a database that is ahead is fine for a stack that is created',
        "mayBeAhead: request.type === 'Update',",
        'mayBeAhead: true,',
      ],
      ['a deployment goes on when its time is over', ' && timeLeft() > SHORTEST_LIFE_MS)', ')'],
      [
        'a failure is returned and not thrown',
        'throw new DeploymentFailed(line)\n    },',
        'return { IsComplete: true }\n    },',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/codepipeline-job.ts',
    ['handlers/codepipeline', 'handlers/refused-events'],
    [
      [
        'a continued job is a run of its own',
        'if (parsed.success) return parsed.output.run',
        'if (parsed.success) return id',
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/codepipeline.ts',
    ['handlers/codepipeline'],
    [
      [
        'a failed job is called again',
        "} else if (report.status === 'failed') {",
        "} else if (report.status === 'succeeded') {",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/codepipeline-results.ts',
    ['handlers/codepipeline'],
    [
      [
        'a result that CodePipeline did not take is lost',
        '.includes(name)) throw error',
        ".includes(name) && name === '') throw error",
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/handlers/failure-line.ts',
    ['handlers/failure-line', 'handlers/custom-resource'],
    [['the line of a failure has no limit', 'const MAX_BYTES = 1_500', 'const MAX_BYTES = 15_000']],
  ),
  ...mutantsOf(
    'lambda/handlers/invoke-request.ts',
    ['handlers/invoke', 'handlers/refused-events'],
    [['options that a script cannot have are ignored', 'refuseWithScript(parsed.output)\n', '']],
  ),
  ...mutantsOf(
    'lambda/secrets.ts',
    ['handlers/invoke', 'local/secrets', 'handlers/custom-resource'],
    [
      [
        'an error quotes the secret',
        "const what = key ? `has no usable '${key}'`",
        'const what = key ? `has no usable ${body}`',
      ],
      [
        'a secret of another engine is taken',
        "if (engine !== undefined && !engine.includes('postgres')) {",
        "if (engine === '') {",
      ],
      [
        'a secret that could not be read is not read again',
        'secret.catch(() => cache.delete(arn))',
        'secret.catch(() => undefined)',
        ['secret-read-again'],
      ],
    ],
  ),
  ...mutantsOf(
    'lambda/environment-credentials.ts',
    ['bundle'],
    [
      [
        'the session token is left out',
        'return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) }',
        'return { accessKeyId, secretAccessKey }',
      ],
    ],
  ),
]
