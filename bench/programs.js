'use strict'
// The C programs: compiled when a run wants them, and run.

const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const { makeDirectory } = require('./pair.js')
const { coreOf, THIS } = require('./sides.js')

const execute = promisify(execFile)
const FLOORS = path.join(__dirname, 'floors')
const BUILD = path.join(__dirname, '..', 'native', 'tools', 'build.js')

const firstLines = (text) => text.trim().split('\n').slice(0, 4).join('\n  ')

/** Runs make, or what else builds; why not, when it does not. */
async function build(command, args) {
  try {
    await execute(command, args)
    return null
  } catch (error) {
    return error.code === 'ENOENT'
      ? `There is no ${command}; on Debian: apt-get install gcc g++ make`
      : firstLines(error.stderr || error.message)
  }
}

async function hasBoost() {
  const source = '#include <boost/lockfree/spsc_queue.hpp>\n'
  return new Promise((resolve) => {
    const args = ['-E', '-x', 'c++', '-', '-o', '/dev/null']
    const child = execFile('c++', args, (error) => resolve(error === null))
    child.stdin.on('error', () => {})
    child.stdin.end(source)
  })
}

/** With node-gyp, when its source is newer than what is there. */
async function buildAddon() {
  const dir = path.join(FLOORS, 'addon')
  const source = path.join(dir, 'barest.c')
  const built = path.join(dir, 'build/Release/barest.node')
  const age = (file) => fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs
  if (age(built) > age(source)) return null
  const why = await build(process.execPath, [BUILD, dir])
  return why ?? (fs.existsSync(built) ? null : 'It needs node-gyp and Linux.')
}

const make = (dir, ...targets) => build('make', ['-s', '-C', dir, ...targets])

/**
 * Compiles all there is.
 * @param {{ what: string, why: string }[]} missing gets what cannot be had
 * @returns {Promise<{ floors: boolean, core: boolean, boost: boolean,
 *   addon: boolean }>}
 */
async function buildPrograms(missing) {
  const have = {}
  const note = (key, what, why) => {
    have[key] = why === null
    if (why !== null) missing.push({ what, why })
  }
  note('floors', "the machine's floors in C", await make(FLOORS))
  note('core', 'the C core', await make(coreOf(THIS)))
  note(
    'boost',
    "Boost's queues beside the C core",
    (await hasBoost())
      ? await make(coreOf(THIS), 'boost')
      : "Boost's headers are not installed; on Debian: " +
          'apt-get install --no-install-recommends libboost-dev'
  )
  note(
    'addon',
    'the barest addon, and the CPU time of a writer',
    await buildAddon()
  )
  return have
}

/** What a program printed as JSON. */
async function runProgram(program, args) {
  try {
    const { stdout } = await execute(program, args, { maxBuffer: 1 << 26 })
    return JSON.parse(stdout)
  } catch (error) {
    // Its own words, not those of the command line.
    throw new Error(error.stderr?.trim() || error.message)
  }
}

/**
 * What a program of a side's core/ printed, in a directory of its own, whose
 * path is the argument behind `args`.
 * @param {string} [damage] it gets one event wrong
 */
async function runCore(side, program, args, damage) {
  const dir = makeDirectory()
  try {
    return await runProgram(path.join(coreOf(side), 'build', program), [
      ...args,
      dir,
      ...(damage === undefined ? [] : ['corrupt'])
    ])
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

/** Compiles the C core's programs of another side. */
async function buildCore(side) {
  const why = await make(coreOf(side))
  if (why !== null) throw new Error(`${coreOf(side)}: ${why}`)
}

module.exports = { buildCore, buildPrograms, FLOORS, runCore, runProgram }
