import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Revision } from '../../lambda/revisions/revision.ts'
import { checkRevision } from '../../lambda/revisions/revision-shape.ts'
import { messageOf } from '../../lambda/thrown.ts'
import { bundle } from '../bundle.ts'
import { refuseLoad } from '../load-failure.ts'
import type { BundleReply, BundleRequest } from './bundled-migrations.ts'

// The program that `bundled-migrations.ts` starts, because a construct cannot wait and esbuild's plug-ins make it wait.
// Its argument is a request, its output one line of JSON.

/** Bundles, loads what was bundled as a Lambda would, and answers what is in it. */
async function answer({ migrations, out }: BundleRequest): Promise<BundleReply> {
  const { file } = await bundle({ migrations, out })
  const bundled = path.resolve(file)
  const module = (await import(pathToFileURL(bundled).href).catch((error: unknown) =>
    refuseLoad(error, bundled, path.relative('', migrations)),
  )) as { readonly revisions: readonly Revision[] }
  for (const revision of module.revisions) checkRevision(revision)
  return { revisions: module.revisions }
}

const reply = await answer(JSON.parse(process.argv[2] ?? '{}') as BundleRequest).catch(
  (error: unknown): BundleReply => ({
    // esbuild lists its errors in lines.
    error: messageOf(error).replace(/:?\s*\n\s*/g, ': '),
  }),
)
console.log(JSON.stringify(reply))
