'use strict'
// Where the microseconds of a wake-up go: the barest addon, with a clock at
// each step, in event loops and on CPUs that sleep more and less deeply; and
// how long the slowest of them waited for a CPU.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { buildPrograms } = require('./programs.js')
const { makeDirectory } = require('./pair.js')
const { countHalts, threads, watchQueues } = require('./scheduler.js')
const { quantile, summarize } = require('./statistics.js')
const { number, table } = require('./table.js')
const { TAIL_EVENTS, tailsOf } = require('./tails.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run bench:wake-up -- [options]
  --events N  single events in each round (200)
  --rounds N  how often each case is measured (5)
  --tails     as many as a p99.9 needs, ${TAIL_EVENTS} in all rounds: 15 minutes
  --json      the figures as JSON in the tables' place
`

const ADDON = path.join(__dirname, 'floors/addon/build/Release/barest.node')
const ROUNDS = '5'
const WARM_UP = 50
const EVENTS = '200'
const PAUSE_MS = 20

/** [what sleeps, whether the receiver's loop has a timer, whether CPUs halt] */
const CASES = [
  ['all', false, true],
  ['not the event loop', true, true],
  ['not the CPUs', false, false],
  ['neither', true, false]
]

// Of the lowest kind: a process that wakes goes first.
const BUSY = ['chrt', '-i', '0', 'sh', '-c', 'while :; do :; done']

/** A process on each CPU, so that none halts. */
function keepAwake() {
  return os
    .cpus()
    .map((_, cpu) =>
      spawn('taskset', ['-c', String(cpu), ...BUSY], { stdio: 'ignore' })
    )
}

async function send(file, events) {
  const barest = require(ADDON)
  barest.open(file)
  for (let i = 0; i < WARM_UP + events; i++) {
    await sleep(PAUSE_MS * (0.75 + Math.random() / 2))
    barest.publish('mcp/server-12', 'x'.repeat(110))
  }
  await sleep(PAUSE_MS)
}

/**
 * @returns {Promise<{ steps: number[][], queued: number[],
 *   haltsPerEvent?: number }>} microseconds of each event: of each step, and how
 *   long the two threads that it wakes had no CPU; `queued` is empty where the
 *   kernel does not tell
 */
async function measure(isBusy, events) {
  const barest = require(ADDON)
  const directory = makeDirectory()
  const steps = [[], [], [], []]
  const queued = []
  let received = 0
  let before
  let haltsBefore
  const others = threads()
  let queues = () => undefined
  barest.open(path.join(directory, 'barest'))
  barest.listen(false, () => {
    const stages = barest.stages()
    const now = queues()
    if (received === WARM_UP) haltsBefore = countHalts()
    if (received++ >= WARM_UP) {
      stages.push(stages.reduce((sum, ns) => sum + ns, 0))
      stages.forEach((ns, i) => steps[i].push(ns / 1000))
      if (now !== undefined) queued.push((now - before) / 1000)
    }
    // Not what asking took.
    before = queues()
  })
  const listener = threads().filter((tid) => !others.includes(tid))
  queues = watchQueues([String(process.pid), ...listener])
  const timer = isBusy ? setInterval(() => {}, 1) : undefined
  const place = path.join(directory, 'barest')
  const sender = fork(__filename, ['send', place, String(events)])
  const [code] = await once(sender, 'exit')
  clearInterval(timer)
  barest.stop()
  fs.rmSync(directory, { recursive: true })
  if (code !== 0 || received !== WARM_UP + events) {
    throw new Error(`${received} of ${WARM_UP + events} events came`)
  }
  const halts = countHalts()
  const haltsPerEvent =
    halts === undefined ? undefined : (halts - haltsBefore) / events
  return { steps, queued, haltsPerEvent }
}

/** A fresh process for each measurement. */
async function measureElsewhere([, isBusy, halts], events) {
  const others = halts ? [] : keepAwake()
  try {
    const child = fork(__filename, ['measure', String(isBusy), String(events)])
    const [measured] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`a measurement ended with ${code}`)
      })
    ])
    return measured
  } finally {
    for (const other of others) other.kill()
  }
}

/** What `rounds` of one case say together. */
function sumUp(title, rounds) {
  const medians = [0, 1, 2, 3].map(
    (step) =>
      summarize(rounds.map(({ steps }) => quantile(steps[step], 0.5))).median
  )
  const all = rounds.flatMap(({ steps }) => steps[3])
  const queued = rounds.flatMap((round) => round.queued)
  const tails = tailsOf(all)
  const { haltsPerEvent } = rounds.at(-1)
  return {
    title,
    medians,
    tails,
    haltsPerEvent,
    ...explain(all, queued, tails)
  }
}

/**
 * How much of the latency of the slowest hundredth was waiting for a CPU, beside
 * the same of all.
 * @param {number[]} latencies microseconds
 * @param {number[]} queued the same events; empty: not known
 * @param {{ p99?: number }} tails
 * @returns {{ slowest?: number, queuedOfSlowest?: number, queuedOfAll?: number }}
 *   means in microseconds. One that waited for longer than it took had waited
 *   before: no more than what it took counts
 */
function explain(latencies, queued, { p99 }) {
  if (p99 === undefined || queued.length !== latencies.length) return {}
  const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length
  const waited = latencies.map((latency, i) => Math.min(latency, queued[i]))
  const isSlow = (_, i) => latencies[i] >= p99
  return {
    slowest: mean(latencies.filter(isSlow)),
    queuedOfSlowest: mean(waited.filter(isSlow)),
    queuedOfAll: mean(waited)
  }
}

function print(results) {
  const cell = (value) => (value === undefined ? '' : number(value))
  const head = ['What sleeps', 'to the thread', 'to the loop']
  console.log(
    table(
      [...head, 'to JavaScript', 'all, p50 µs'],
      results.map(({ title, medians }) => [title, ...medians.map(number)])
    )
  )
  console.log(
    `\n${table(
      [
        ...['All, of all rounds', 'events', 'p50 µs', 'p99 µs', 'p99.9 µs'],
        ...['max µs', 'halts per event', 'slowest 1 %, mean µs'],
        ...['of it without a CPU', 'of all events']
      ],
      results.map(({ title, tails, ...more }) => [
        title,
        String(tails.count),
        ...['p50', 'p99', 'p999', 'max'].map((name) => cell(tails[name])),
        cell(more.haltsPerEvent),
        cell(more.slowest),
        cell(more.queuedOfSlowest),
        cell(more.queuedOfAll)
      ])
    )}`
  )
}

/** A whole number that an option has. */
function countOf(options, name) {
  const count = Number(options[name])
  if (!Number.isInteger(count) || count < 1) {
    throw new Error(
      `--${name}: expected a whole number from 1, got ${options[name]}`
    )
  }
  return count
}

async function main() {
  const options = readOptions(USAGE, {
    events: { type: 'string', default: EVENTS },
    rounds: { type: 'string', default: ROUNDS },
    tails: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false }
  })
  const most = countOf(options, 'rounds')
  const least = options.tails ? Math.ceil(TAIL_EVENTS / most) : 1
  const events = Math.max(countOf(options, 'events'), least)
  const missing = []
  const have = await buildPrograms(missing)
  if (!have.addon) {
    throw new Error(missing.map(({ why }) => why).join('\n'))
  }
  const rounds = CASES.map(() => [])
  for (let round = 1; round <= most; round++) {
    for (const [i, which] of CASES.entries()) {
      process.stderr.write(`round ${round}/${most}: ${which[0]}\n`)
      rounds[i].push(await measureElsewhere(which, events))
    }
  }
  const results = CASES.map(([title], i) => sumUp(title, rounds[i]))
  if (options.json) console.log(JSON.stringify(results, null, 2))
  else print(results)
}

const [role, argument, count] = process.argv.slice(2)
if (require.main !== module) {
  module.exports = { explain }
} else if (role === 'send') {
  send(argument, Number(count))
} else if (role === 'measure') {
  measure(argument === 'true', Number(count)).then((measured) => {
    process.send(measured, () => process.exit())
  })
} else {
  main().catch((error) => {
    console.error(`bench:wake-up: ${error.message}`)
    process.exitCode = 1
  })
}
