'use strict'
// What `npm ci` and `npm install` run in a clone (the `prepare` script):
// compiles the addon with node-gyp, quietly. An argument names another folder
// with a binding.gyp to compile instead. On a system without a backend, or
// without node-gyp, it says so and ends with 0: without shared memory, the rest
// of the package must install all the same.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const DIR = path.resolve(process.argv[2] ?? ROOT)

// The systems that native/platform/ has a finished file for.
const PLATFORMS = ['linux']

const say = (sentence) => console.log(`kindly-guard-ipc: ${sentence}`)

/** Where node-gyp's own program is, or null when it is not installed. */
function findNodeGyp() {
  try {
    return require.resolve('node-gyp/bin/node-gyp.js', { paths: [ROOT] })
  } catch {
    return null
  }
}

/**
 * The prefix that the running node was installed to, when the headers of
 * exactly this node lie there; null otherwise. Another version's headers
 * would compile, and might then be wrong at run time.
 */
function findHeaders() {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)))
  const header = path.join(prefix, 'include', 'node', 'node_version.h')
  // A nightly's version goes on behind the three numbers, its header's not.
  const numbers = process.version.slice(1).split('-')[0].split('.')
  try {
    const text = fs.readFileSync(header, 'utf8')
    const isOurs = ['MAJOR', 'MINOR', 'PATCH'].every((part, i) =>
      text.includes(`#define NODE_${part}_VERSION ${numbers[i]}\n`)
    )
    return isOurs ? prefix : null
  } catch {
    return null
  }
}

function main() {
  if (!PLATFORMS.includes(process.platform)) {
    return say(
      `shared memory is not available on ${process.platform} yet, so nothing ` +
        'was compiled; the rest of the package works.'
    )
  }
  const nodeGyp = findNodeGyp()
  if (nodeGyp === null) {
    return say(
      'node-gyp is not installed (it is a development dependency), so the ' +
        'addon was not compiled; run npm ci without --omit=dev to compile it.'
    )
  }

  const env = { ...process.env }
  const headers = findHeaders()
  const args = [nodeGyp, 'rebuild']
  if (headers !== null) {
    args.push(`--nodedir=${headers}`)
    // node-gyp lets npm's settings win over its own arguments, and a nodedir
    // from an npmrc may be that of another node.
    for (const key of Object.keys(env)) {
      if (/^npm_config_nodedir$/i.test(key)) delete env[key]
    }
  }

  const begin = performance.now()
  const result = spawnSync(process.execPath, args, {
    cwd: DIR,
    env,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024
  })
  if (result.status === 0) {
    const seconds = (performance.now() - begin) / 1000
    return say(`the addon was compiled in ${seconds.toFixed(1)} s.`)
  }
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
  const why = result.error?.message ?? result.signal ?? 'see above'
  console.error(
    `kindly-guard-ipc: the addon was not compiled (${why}). It needs a C ` +
      'and C++ compiler (gcc 8 or clang 7, or later), make and python3.'
  )
  process.exitCode = 1
}

main()
