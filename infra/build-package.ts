import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import path from 'node:path'

// What `npm pack` runs: the JavaScript and the types that package.json exports.

const ROOT = path.resolve(import.meta.dirname, '..')
const OUT = path.join(ROOT, 'dist/package')

// What is no longer a source must not be shipped.
rmSync(OUT, { recursive: true, force: true })
const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc')
execFileSync(process.execPath, [tsc, '-p', path.join(ROOT, 'infra/tsconfig.package.json')], {
  stdio: 'inherit',
})
// tsc copies no declarations.
copyFileSync(path.join(ROOT, 'infra/files.d.ts'), path.join(OUT, 'infra/files.d.ts'))
chmodSync(path.join(OUT, 'infra/cli/main.js'), 0o755)
