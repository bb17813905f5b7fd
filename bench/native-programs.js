'use strict'
// The C programs: compiled when a run wants them, and what they measure.

const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const { makeDirectory } = require('./pair.js')
const { coreOf, THIS } = require('./sides.js')
const { quantile } = require('./statistics.js')

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

async function run(program, args) {
  try {
    const { stdout } = await execute(program, args, { maxBuffer: 1 << 26 })
    return JSON.parse(stdout)
  } catch (error) {
    // Its own words, not those of the command line.
    throw new Error(error.stderr?.trim() || error.message)
  }
}

/** @param {number} [line] what a cache line took meanwhile, ns */
function oneWay(samples, line) {
  const figures = {
    p50: quantile(samples, 0.5),
    p90: quantile(samples, 0.9),
    p99: quantile(samples, 0.99)
  }
  if (line !== undefined) figures.line = line
  return { figures, samples }
}

const floor = (program, ...args) =>
  run(path.join(FLOORS, 'build', program), args)

/**
 * What a program of core/ printed. States from before cache lines were timed
 * have the rate or the samples alone.
 * @returns {{ rate?: number, samples?: number[], line?: number }} `line`: ns
 *   that a cache line took before the measurement or behind it, whichever was
 *   more
 */
function readPrinted(printed) {
  if (typeof printed === 'number') return { rate: printed }
  if (Array.isArray(printed)) return { samples: printed }
  const { line, ...rest } = printed
  return line === undefined ? rest : { ...rest, line: 1000 * Math.max(...line) }
}

/** A program of a side's core/, in a directory of its own. */
async function core(side, program, mode, count, variant, damage) {
  const dir = makeDirectory()
  try {
    const args = [mode, count, variant, dir]
    if (damage !== undefined) args.push('corrupt')
    const binary = path.join(coreOf(side), 'build', program)
    return readPrinted(await run(binary, args))
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

function floorCases(pauseMs, count, quick) {
  const programs = [
    ['futex', 'futex', []],
    ['chain', 'futex, thread, eventfd, epoll', []],
    ['spin-chain', 'spinning thread, eventfd, epoll', ['spin']]
  ]
  return programs.map(([name, title, more]) => ({
    name,
    title,
    every: !quick,
    run: async () => {
      const program = name === 'futex' ? 'futex' : 'epoll_chain'
      return oneWay(await floor(program, count, pauseMs * 1000, ...more))
    }
  }))
}

// [name, program, variant, title, events of the quick run, needs]
const CHANNELS = [
  ['kg', 'kg', 'checked', 'C core, checksums', 2e6, 'core'],
  ['kg-plain', 'kg', 'plain', 'C core, no checksums', 2e6, 'core'],
  ['kg-reliable', 'kg', 'reliable', 'C core, checksums, reliable', 2e6, 'core'],
  ['bare', 'bare', '-', '384 bytes and a counter (floor)', 4e6, 'core'],
  ['boost-spsc', 'boost_spsc', '-', 'boost spsc_queue', 4e6, 'boost'],
  [
    ...['boost-spsc-crc', 'boost_spsc', 'crc'],
    ...['boost spsc_queue, checksums', 4e6, 'boost']
  ],
  [
    ...['boost-spsc-eager', 'boost_spsc', 'eager'],
    ...['boost spsc_queue, no pauses', 4e6, 'boost']
  ],
  ['boost-queue', 'boost_queue', '-', 'boost message_queue', 3e5, 'boost'],
  ['posix-queue', 'posix_queue', '-', 'POSIX message queue', 5e4, 'core']
]

/** @param {{ quick: boolean, damage?: string }} options */
function nativeScenarios({ quick, damage }, have) {
  const channels = CHANNELS.filter(([, , , , , needs]) => have[needs])
  // A floor of its own is beside them, and with single events nobody pauses.
  const single = channels.filter(([name]) => !/^bare|eager$/.test(name))
  const scenarios = []
  if (have.floors) {
    for (const pauseMs of [20, 1]) {
      scenarios.push({
        name: `floors-${pauseMs}`,
        title: `Floors in C, ${pauseMs} ms apart`,
        kind: 'latency',
        cases: floorCases(
          pauseMs,
          pauseMs === 20 ? (quick ? 40 : 150) : 300,
          quick
        )
      })
    }
  }
  if (channels.length > 0) {
    scenarios.push({
      name: 'core',
      title: 'Two C processes, events of 384 bytes',
      kind: 'rate',
      isNative: true,
      cases: channels.map(([name, program, variant, title, events]) => ({
        name,
        title,
        every: true,
        isOurs: program === 'kg',
        run: async (side) => {
          const count = quick ? events : events * 4
          const args = ['throughput', count, variant, damage]
          return { figures: await core(side, program, ...args) }
        }
      }))
    })
  }
  if (channels.length > 0) {
    scenarios.push({
      name: 'core-cold',
      title: 'Two C processes, cold burst of 8,192',
      kind: 'rate',
      isNative: true,
      cases: channels.map(([name, program, variant, title]) => ({
        name,
        title,
        every: true,
        // States from before there was `cold` would run warm, in silence.
        isOurs: false,
        run: async (side) => {
          const args = ['cold', 8192, variant, damage]
          return { figures: await core(side, program, ...args) }
        }
      }))
    })
  }
  scenarios.push({
    name: 'one-way',
    title: 'Two C processes, half a round trip',
    kind: 'one-way',
    isNative: true,
    cases: [
      have.floors && {
        name: 'cache-line',
        title: 'a cache line, spinning (floor)',
        every: true,
        run: async () => {
          const samples = await floor('cache_line', 3000, 0)
          return oneWay(samples, 1000 * quantile(samples, 0.5))
        }
      },
      have.core && {
        name: 'bare',
        title: '384 bytes and a counter, spinning (floor)',
        every: true,
        run: async () => {
          const args = ['one-way', 3000, '-', damage]
          const { samples, line } = await core(THIS, 'bare', ...args)
          return oneWay(samples, line)
        }
      },
      ...single.map(([name, program, variant, title, , needs]) => ({
        name,
        title: title + (/queue$/.test(name) ? ', asleep' : ', spinning'),
        every: true,
        isOurs: program === 'kg',
        run: async (side) => {
          const count = /queue$/.test(name) && needs ? 500 : 3000
          const args = ['one-way', count, variant, damage]
          const { samples, line } = await core(side, program, ...args)
          return oneWay(samples, line)
        }
      }))
    ].filter(Boolean)
  })
  return scenarios
}

/** Compiles the C core's programs of another side. */
async function buildCore(side) {
  const why = await make(coreOf(side))
  if (why !== null) throw new Error(`${coreOf(side)}: ${why}`)
}

module.exports = { buildCore, buildPrograms, nativeScenarios, readPrinted }
