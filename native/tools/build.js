'use strict'
// Compiles the addon with node-gyp, quietly. `npm ci` and `npm install` run it
// in a clone (the `prepare` script), and `kindly-guard-ipc build` in a package
// that is installed. It compiles in a copy, and puts the addon in its place
// only when that went well: a process that uses the old one keeps it, and a
// failure takes nothing away. What is up to date is left alone.
//
// Where it cannot compile, `prepare` says so and ends with 0: without shared
// memory, the rest of the package must install all the same. An argument names
// another folder with a binding.gyp, to be compiled there.

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ownTarget } = require('../../lib/shm/addon-file.js')
const { findNodeGyp, missingTools, runNodeGyp } = require('./node-gyp.js')
const {
  ADDON,
  PREBUILDS,
  putAddon,
  replaceFile,
  stage,
  writeChecksums
} = require('./stage.js')

const ROOT = path.join(__dirname, '..', '..')
const NATIVE = path.join(ROOT, 'native')
const BUILT = path.join(ROOT, 'build', 'Release', ADDON)
// What the addon was made of, beside it.
const STAMP = `${BUILT}.json`

// The systems on which this compiles; the addon for Windows comes from
// `npm run prebuild` alone.
const PLATFORMS = ['linux', 'darwin']

const TOOLS =
  'a C and C++ compiler (gcc 8 or clang 7, or later), make and python3'

const say = (sentence) => console.log(`kindly-guard-ipc: ${sentence}`)

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Files that are compiled or included, relative to native/. */
const sourcesIn = (dir) =>
  fs
    .readdirSync(dir, { recursive: true })
    .filter((file) => /\.(c|cc|h|gyp)$/.test(file))
    .filter((file) => !/^(tools|build)\b/.test(file))
    .sort()

/** One text for all that decides what comes out. */
function inputsOf(dir) {
  const { CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS } = process.env
  const settings = [ownTarget(), CC, CXX, CFLAGS, CXXFLAGS, LDFLAGS]
  const files = sourcesIn(dir).map((file) => [
    file,
    hashOf(fs.readFileSync(path.join(dir, file)))
  ])
  return hashOf(JSON.stringify([settings, files]))
}

function isUpToDate(inputs) {
  try {
    const stamp = JSON.parse(fs.readFileSync(STAMP, 'utf8'))
    return (
      stamp.inputs === inputs && stamp.addon === hashOf(fs.readFileSync(BUILT))
    )
  } catch {
    return false
  }
}

/** Where npm's `files` finds it: so a git dependency and a tarball have it. */
function keepForPacking(isNew) {
  const kept = path.join(ROOT, PREBUILDS, ownTarget(), ADDON)
  if (!isNew && fs.existsSync(kept)) return
  putAddon(fs.readFileSync(BUILT), kept)
  writeChecksums(ROOT)
}

// What writes is one twentieth faster by it. Not every linker can do it: that of
// clang needs a part of its own.
const LINK_TIME = '"-flto"'

/** Has a binding.gyp do without. */
function linkSimply(file) {
  const text = fs.readFileSync(file, 'utf8')
  fs.writeFileSync(file, text.replaceAll(LINK_TIME, '"-O3"'))
}

/** Compiles a copy of native/, and gives the addon's bytes or why not. */
function compileCopy(command) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-build-'))
  try {
    for (const file of sourcesIn(NATIVE)) {
      const to = path.join(dir, file)
      fs.mkdirSync(path.dirname(to), { recursive: true })
      fs.copyFileSync(path.join(NATIVE, file), to)
    }
    let failure = runNodeGyp(command, dir)
    const isLinux = process.platform === 'linux'
    if (failure !== null && isLinux) {
      say('once more, without optimizing it as a whole when it is linked.')
      linkSimply(path.join(dir, 'binding.gyp'))
      failure = runNodeGyp(command, dir)
    }
    if (failure !== null) return { failure }
    const built = path.join(dir, 'build', 'Release', ADDON)
    return { bytes: fs.readFileSync(built) }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** Why this machine cannot compile, as a sentence; null when it can try. */
function obstacle(command) {
  if (!PLATFORMS.includes(process.platform)) {
    return (
      `nothing is compiled on ${process.platform}: the addon that the package ` +
      'has for it is used, or WebSocket where it has none.'
    )
  }
  const missing = missingTools()
  if (missing.length > 0) {
    return (
      `the addon was not compiled, because ${missing.join(', ')} is missing; ` +
      `it needs ${TOOLS}. Without it, WebSocket is used.`
    )
  }
  return command === null
    ? 'node-gyp is not there, so the addon was not compiled.'
    : null
}

/**
 * Compiles the addon of this package for this machine.
 * @param {object} [options]
 * @param {boolean} [options.mayFetch] whether npx may fetch node-gyp
 * @returns {'built' | 'up to date' | 'impossible' | 'failed'} what happened,
 *   after it was said
 */
function build({ mayFetch = false } = {}) {
  const isClone = fs.existsSync(path.join(ROOT, 'binding.gyp'))
  const command = findNodeGyp(ROOT, mayFetch)
  try {
    stage(ROOT)
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error
    say(
      'node-addon-api is not installed (it is a development dependency), so ' +
        'the addon was not compiled; run npm ci without --omit=dev.'
    )
    return 'impossible'
  }
  const inputs = inputsOf(NATIVE)
  if (isUpToDate(inputs)) {
    if (isClone) keepForPacking(false)
    say('the addon is up to date.')
    return 'up to date'
  }
  const why = obstacle(command)
  if (why !== null) {
    say(why)
    return 'impossible'
  }
  const begin = performance.now()
  const { bytes, failure } = compileCopy(command)
  if (bytes === undefined) {
    console.error(
      `kindly-guard-ipc: the addon was not compiled (${failure}). It needs ` +
        `${TOOLS}.`
    )
    return 'failed'
  }
  putAddon(bytes, BUILT)
  replaceFile(STAMP, JSON.stringify({ inputs, addon: hashOf(bytes) }))
  if (isClone) keepForPacking(true)
  const seconds = (performance.now() - begin) / 1000
  say(`the addon was compiled in ${seconds.toFixed(1)} s.`)
  return 'built'
}

/** Compiles another folder's binding.gyp in its place. */
function buildFolder(dir) {
  const command = findNodeGyp(ROOT, false)
  const failure = command === null ? 'no node-gyp' : runNodeGyp(command, dir)
  if (failure === null) return 'built'
  console.error(`kindly-guard-ipc: ${dir} was not compiled (${failure}).`)
  return 'failed'
}

module.exports = { build }

if (require.main === module) {
  const [dir] = process.argv.slice(2)
  const end = dir === undefined ? build() : buildFolder(path.resolve(dir))
  if (end === 'failed') process.exitCode = 1
}
