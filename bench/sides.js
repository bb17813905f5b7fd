'use strict'
// The states that are measured: this clone, and for a comparison another
// folder, or a commit that is checked out for the time of the run.

const { execFile, execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { promisify } = require('node:util')
const { commitOf } = require('./machine.js')

const execute = promisify(execFile)
const ROOT = path.join(__dirname, '..')

/**
 * @typedef {object} Side
 * @property {string} name 'this' or 'that', as tables call it
 * @property {string} what which state it is, for people
 * @property {string} dir its folder, whose package is measured
 */

const describe = (dir) => `${dir} (commit ${commitOf(dir)})`

/** @type {Side} */
const THIS = { name: 'this', what: describe(ROOT), dir: ROOT }

/** Where a side's C programs are built. */
const coreOf = ({ dir }) => path.join(dir, 'bench', 'core')

const say = (text) => process.stderr.write(`${text}\n`)

/** A file's JSON; undefined where there is none. */
function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

const git = (...args) =>
  execFileSync('git', ['-C', ROOT, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore']
  }).trim()

/** The full name of a commit of this clone, or null. */
function findCommit(text) {
  try {
    return git('rev-parse', '--verify', '--quiet', `${text}^{commit}`)
  } catch {
    return null
  }
}

/**
 * What `--against` means: a folder of this package before a commit of that
 * name. It needs no more than a look.
 * @returns {{ dir: string } | { commit: string } | null} null: neither
 */
function findState(text) {
  const { name } = readJson(path.join(ROOT, 'package.json'))
  if (readJson(path.join(text, 'package.json'))?.name === name) {
    return { dir: path.resolve(text) }
  }
  const commit = text.startsWith('-') ? null : findCommit(text)
  return commit === null ? null : { commit }
}

/** Runs a program in a folder; its own words are the error. */
async function runIn(cwd, command, args) {
  try {
    const options = { cwd, maxBuffer: 1 << 28 }
    return (await execute(command, args, options)).stdout.trim()
  } catch (error) {
    const words = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim()
    const what = [path.basename(command), ...args].join(' ')
    throw new Error(`${what}, in ${cwd}: ${words || error.message}`)
  }
}

/** Whether what this clone has installed is what a folder's package needs in
 * order to be built and to run. */
function fitsInstalled(dir) {
  const { dependencies } = readJson(path.join(dir, 'package.json'))
  const lock = readJson(path.join(dir, 'package-lock.json'))
  return [...Object.keys(dependencies), 'node-gyp'].every((name) => {
    const place = path.join('node_modules', name)
    const installed = readJson(path.join(ROOT, place, 'package.json'))
    return (
      installed !== undefined &&
      lock?.packages[`node_modules/${name}`]?.version === installed.version
    )
  })
}

async function install(dir) {
  if (fitsInstalled(dir)) {
    const here = path.join(ROOT, 'node_modules')
    fs.symlinkSync(here, path.join(dir, 'node_modules'))
  } else {
    await runIn(dir, 'npm', ['ci', '--ignore-scripts'])
  }
}

/** Why the package in a folder has no shared memory; '' when it has. */
const whyNoRing = (dir) =>
  runIn(dir, process.execPath, [
    '-p',
    "require('.').PlatformShm.unavailableReason() ?? ''"
  ])

/** Builds the addon where there is none, by the folder's own script. */
async function ensureAddon(dir) {
  if ((await whyNoRing(dir)) === '') return
  say(`builds the addon in ${dir}`)
  await runIn(dir, 'npm', ['run', '--silent', 'prepare'])
  const why = await whyNoRing(dir)
  if (why !== '') throw new Error(`no shared memory in ${dir}: ${why}`)
}

/** A commit in a folder of its own. The clone shares the objects of this one
 * and leaves no trace in it. */
async function checkOut(commit, dir) {
  await runIn(ROOT, 'git', [
    ...['clone', '--quiet', '--shared', '--no-checkout', ROOT, dir]
  ])
  await runIn(dir, 'git', ['checkout', '--quiet', '--detach', commit])
  await install(dir)
}

/** Removes a folder at the end of the process, however that comes. */
function removeAtEnd(dir) {
  process.once('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}

/**
 * The other side, ready to be measured.
 * @param {{ dir: string } | { commit: string }} state of findState()
 * @returns {Promise<Side>}
 */
async function openSide(state) {
  if (state.dir !== undefined) {
    await ensureAddon(state.dir)
    return { name: 'that', what: describe(state.dir), dir: state.dir }
  }
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'kg-bench-against-'))
  removeAtEnd(base)
  const dir = path.join(base, 'clone')
  const what = git('log', '-1', '--format=%h of %cs', state.commit)
  say(`checks out ${what}`)
  await checkOut(state.commit, dir)
  await ensureAddon(dir)
  return { name: 'that', what, dir }
}

module.exports = { coreOf, ensureAddon, findState, openSide, THIS }
