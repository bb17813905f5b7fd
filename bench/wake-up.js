'use strict'
// Where the microseconds of a wake-up go: the barest addon, with a clock at
// each step, in event loops and on CPUs that sleep more and less deeply.

const { fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { buildPrograms } = require('./programs.js')
const { makeDirectory } = require('./pair.js')
const { quantile, summarize } = require('./statistics.js')
const { readOptions } = require('./usage.js')

const ADDON = path.join(__dirname, 'floors/addon/build/Release/barest.node')
const ROUNDS = 5
const WARM_UP = 50
const EVENTS = 200
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

async function send(file) {
  const barest = require(ADDON)
  barest.open(file)
  for (let i = 0; i < WARM_UP + EVENTS; i++) {
    await sleep(PAUSE_MS * (0.75 + Math.random() / 2))
    barest.publish('mcp/server-12', 'x'.repeat(110))
  }
  await sleep(PAUSE_MS)
}

/** @returns {Promise<number[]>} the median of each step, in microseconds */
async function measure(isBusy) {
  const barest = require(ADDON)
  const directory = makeDirectory()
  const steps = [[], [], [], []]
  let received = 0
  barest.open(path.join(directory, 'barest'))
  barest.listen(false, () => {
    const stages = barest.stages()
    if (received++ >= WARM_UP) {
      stages.push(stages.reduce((sum, ns) => sum + ns, 0))
      stages.forEach((ns, i) => steps[i].push(ns / 1000))
    }
  })
  const timer = isBusy ? setInterval(() => {}, 1) : undefined
  const sender = fork(__filename, ['send', path.join(directory, 'barest')])
  const [code] = await once(sender, 'exit')
  clearInterval(timer)
  barest.stop()
  fs.rmSync(directory, { recursive: true })
  if (code !== 0 || received !== WARM_UP + EVENTS) {
    throw new Error(`${received} of ${WARM_UP + EVENTS} events came`)
  }
  return steps.map((values) => quantile(values, 0.5))
}

/** A fresh process for each measurement. */
async function measureElsewhere([, isBusy, halts]) {
  const others = halts ? [] : keepAwake()
  try {
    const child = fork(__filename, ['measure', String(isBusy)])
    const [medians] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => {
        throw new Error(`a measurement ended with ${code}`)
      })
    ])
    return medians
  } finally {
    for (const other of others) other.kill()
  }
}

async function main() {
  const missing = []
  const have = await buildPrograms(missing)
  if (!have.addon) {
    throw new Error(missing.map(({ why }) => why).join('\n'))
  }
  const rounds = CASES.map(() => [])
  for (let round = 1; round <= ROUNDS; round++) {
    for (const [i, which] of CASES.entries()) {
      process.stderr.write(`round ${round}/${ROUNDS}: ${which[0]}\n`)
      rounds[i].push(await measureElsewhere(which))
    }
  }
  const median = (i, step) =>
    Number(summarize(rounds[i].map((all) => all[step])).median.toFixed(1))
  console.table(
    Object.fromEntries(
      CASES.map(([title], i) => [
        title,
        {
          'to the thread': median(i, 0),
          'to the loop': median(i, 1),
          'to JavaScript': median(i, 2),
          'all, µs': median(i, 3)
        }
      ])
    )
  )
}

const [role, argument] = process.argv.slice(2)
if (role === 'send') {
  send(argument)
} else if (role === 'measure') {
  measure(argument === 'true').then((medians) => {
    process.send(medians, () => process.exit())
  })
} else {
  readOptions('npm run bench:wake-up takes two minutes and no options.\n', {})
  main()
}
