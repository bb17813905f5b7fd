// Bundles the extension with the addon of one target; with --vsix it packages
// it, too. `--target win32-x64` makes it for another machine than this.

import { createVSIX } from '@vscode/vsce'
import { build } from 'esbuild'
import { existsSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { parseArgs } from 'node:util'

const VSIX = 'build/kindly-guard-threats.vsix'

const { values } = parseArgs({
  options: {
    target: { type: 'string', default: `${process.platform}-${process.arch}` },
    vsix: { type: 'boolean', default: false }
  }
})

// What was compiled here does for this machine, what the package carries for
// every machine of its system.
const library = path.dirname(
  createRequire(import.meta.url).resolve('kindly-guard-ipc/package.json')
)
const isOwn = values.target === `${process.platform}-${process.arch}`
const folders = [
  `prebuilds/${values.target}`,
  ...(isOwn ? ['build/Release'] : [])
]
const folder = folders.find((name) =>
  existsSync(path.join(library, name, 'kindly_guard_ipc.node'))
)
if (folder === undefined) {
  console.error(
    `kindly-guard-ipc has no addon for ${values.target} here. In its clone, ` +
      `\`npm run prebuild -- ${values.target}\` makes one.`
  )
  process.exit(1)
}

/** Leaves out the addons of all other targets. */
const oneAddon = {
  name: 'one-addon',
  setup({ onResolve }) {
    onResolve({ filter: /\.node$/ }, ({ path: file }) =>
      file.includes(`/${folder}/`) ? undefined : { path: file, external: true }
    )
  }
}

rmSync('build', { recursive: true, force: true })
await build({
  entryPoints: ['src/extension.ts'],
  outdir: 'build',
  bundle: true,
  minify: true,
  platform: 'node',
  target: 'node20',
  external: ['vscode'],
  loader: { '.node': 'copy' },
  plugins: [oneAddon]
})

if (values.vsix) {
  await createVSIX({
    packagePath: VSIX,
    target: values.target,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true
  })
  console.log(`${VSIX}: ${Math.ceil(statSync(VSIX).size / 1000)} kB`)
}
