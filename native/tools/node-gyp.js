'use strict'
// Finds what compiles an addon, and runs it.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

// npx fetches it where neither this package nor npm has one.
const FETCHED = 'node-gyp@11'

/** The file of a program, or null when it is not on PATH. */
function onPath(program) {
  for (const dir of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.resolve(dir, program)
    try {
      fs.accessSync(file, fs.constants.X_OK)
      if (fs.statSync(file).isFile()) return file
    } catch {
      // Not in this one.
    }
  }
  return null
}

/** npm's own node-gyp, or null. */
function findInNpm() {
  const npm = onPath('npm')
  if (npm === null) return null
  const paths = [path.dirname(fs.realpathSync(npm))]
  try {
    return require.resolve('node-gyp/bin/node-gyp.js', { paths })
  } catch {
    return null
  }
}

/**
 * The command that runs node-gyp, or null when there is none.
 * @param {string} root the package; a clone has one as development dependency
 * @param {boolean} mayFetch
 * @returns {string[] | null}
 */
function findNodeGyp(root, mayFetch) {
  try {
    const own = require.resolve('node-gyp/bin/node-gyp.js', { paths: [root] })
    return [process.execPath, own]
  } catch {
    const file = findInNpm()
    if (file !== null) return [process.execPath, file]
    const npx = mayFetch ? onPath('npx') : null
    return npx === null ? null : [npx, '--yes', FETCHED]
  }
}

/**
 * What compiling needs and this machine lacks, as words.
 * @returns {string[]}
 */
function missingTools() {
  const { CC, CXX, PYTHON, npm_config_python: python } = process.env
  const needed = [
    ['a C compiler', CC, 'cc'],
    ['a C++ compiler', CXX, 'g++'],
    ['make', undefined, 'make'],
    ['python3', PYTHON ?? python, 'python3']
  ]
  return needed
    .filter(([, chosen, usual]) => !chosen && onPath(usual) === null)
    .map(([words]) => words)
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

/**
 * Compiles the binding.gyp of a folder there.
 * @param {string[]} command findNodeGyp()'s
 * @param {string} cwd
 * @returns {string | null} why it failed, after what was printed; null when it
 *   did not
 */
function runNodeGyp(command, cwd) {
  const env = { ...process.env }
  const headers = findHeaders()
  const [program, ...args] = [...command, 'rebuild']
  if (headers !== null) {
    args.push(`--nodedir=${headers}`)
    // node-gyp lets npm's settings win over its own arguments, and a nodedir
    // from an npmrc may be that of another node.
    for (const key of Object.keys(env)) {
      if (/^npm_config_nodedir$/i.test(key)) delete env[key]
    }
  }
  const options = { cwd, env, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 }
  const result = spawnSync(program, args, options)
  if (result.status === 0) return null
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`)
  return result.error?.message ?? result.signal ?? 'see above'
}

module.exports = { findHeaders, findNodeGyp, missingTools, runNodeGyp }
