import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AuroraMigrations } from '../../infra/constructs/aurora-migrations.ts'
import { ELSEWHERE } from './shop-stack.ts'

let migrations: string
beforeAll(async () => {
  migrations = await mkdtemp(path.join(tmpdir(), 'aurora-broken-'))
  await writeFile(path.join(migrations, 'a.ts'), 'export default {')
})
afterAll(() => rm(migrations, { recursive: true, force: true }))

/** The stack as the CDK command line has it made, which names the stacks whose assets it needs. */
function shop(bundlingStacks: readonly string[], folder = migrations): Stack {
  const context = { 'aws:cdk:bundling-stacks': bundlingStacks }
  const app = new App({ context, builtinCloudFormationValidation: false })
  const stack = new Stack(app, 'Shop')
  new AuroraMigrations(stack, 'Migrations', { ...ELSEWHERE, migrations: folder }).runOnDeploy()
  return stack
}

describe('a stack whose assets are not needed', () => {
  test.each([
    ['as for cdk destroy and cdk list', []],
    ['as for the deployment of another stack', ['Other']],
  ])('is made without bundling or checking its revisions, %s', (_, stacks) => {
    const template = Template.fromStack(shop(stacks))
    template.resourceCountIs('Custom::AuroraMigrations', 1)
    Template.fromStack(shop(stacks, path.join(migrations, 'missing')))
  })

  test('still refuses a target that no deployment can have', () => {
    const app = new App({
      context: { 'aws:cdk:bundling-stacks': [] },
      builtinCloudFormationValidation: false,
    })
    const construct = new AuroraMigrations(new Stack(app, 'Shop'), 'Migrations', {
      ...ELSEWHERE,
      migrations,
    })
    expect(() => construct.runOnDeploy({ target: '+1' })).toThrow("target is '+1'")
  })
})

test.each([[['Shop']], [['**']]])('one that is asked for is bundled and checked: %j', (stacks) => {
  expect(() => shop(stacks)).toThrow(/^Shop\/Migrations: migrations: .*a\.ts:1:17/)
})
