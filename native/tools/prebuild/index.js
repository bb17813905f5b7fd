'use strict'
// npm run prebuild [-- TARGET...]: compiles the addon for the targets of
// targets.js, or for those that are named, from what binding.gyp says, into
// prebuilds/. The same sources give the same bytes.

const fs = require('node:fs')
const path = require('node:path')
const { EXPORTED, verify } = require('./verify.js')
const { fetchPackage } = require('./packages.js')
const { readGyp } = require('./gyp.js')
const { showOnly } = require('./mach-o-exports.js')
const { withoutTime } = require('./pe-time.js')
const {
  ADDON,
  PREBUILDS,
  putAddon,
  replaceFile,
  stage,
  writeChecksums
} = require('../stage.js')
const { TARGETS } = require('./targets.js')
const { compile } = require('./zig.js')

const ROOT = path.join(__dirname, '..', '..', '..')
const CACHE = path.join(ROOT, '.cache')

// What is done to the files of some systems once they are linked.
const FINISH = {
  mac: (bytes) => showOnly(bytes, EXPORTED),
  win: withoutTime
}

async function prebuild(target) {
  const begin = performance.now()
  const compiled = await compile({
    root: ROOT,
    cache: CACHE,
    target,
    gyp: readGyp(ROOT, target.system),
    includes: [
      path.join(fetchPackage('node', CACHE), 'include', 'node'),
      path.join(ROOT, 'native', 'node-addon-api')
    ]
  })
  const bytes = (FINISH[target.system] ?? ((same) => same))(compiled)
  verify(target, bytes)
  putAddon(bytes, path.join(ROOT, PREBUILDS, target.name, ADDON))
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  console.log(`${target.name}: ${bytes.length} bytes, ${seconds} s`)
}

/** The terms of what is in the addons, besides this package itself. */
function writeLicences() {
  const zig = fetchPackage('zig', CACHE)
  const parts = {
    'node-addon-api': path.join(ROOT, 'native', 'node-addon-api', 'LICENSE.md'),
    'libc++': path.join(zig, 'lib', 'libcxx', 'LICENSE.TXT'),
    'mingw-w64': path.join(zig, 'lib', 'libc', 'mingw', 'COPYING'),
    "zig's compiler-rt": path.join(zig, 'LICENSE')
  }
  const texts = Object.entries(parts).map(
    ([name, file]) => `=== ${name}\n\n${fs.readFileSync(file, 'utf8')}`
  )
  replaceFile(path.join(ROOT, PREBUILDS, 'LICENSES.txt'), texts.join('\n\n'))
}

async function main(names) {
  const unknown = names.filter((name) => !TARGETS.some((t) => t.name === name))
  if (unknown.length > 0) throw new Error(`no such target: ${unknown.join()}`)
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('the compiler that is pinned runs on Linux for x64 alone')
  }
  stage(ROOT)
  for (const target of TARGETS) {
    if (names.length > 0 && !names.includes(target.name)) continue
    await prebuild(target)
  }
  writeLicences()
  writeChecksums(ROOT)
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`prebuild: ${error.message}`)
  process.exitCode = 1
})
