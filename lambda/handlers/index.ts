export { type CodePipelineHandler, createCodePipeline } from './codepipeline.ts'
export {
  type CustomResourceEvent,
  type CustomResourceHandlers,
  createCustomResource,
} from './custom-resource.ts'
export { createInvoke, type InvokeResponse } from './invoke.ts'
