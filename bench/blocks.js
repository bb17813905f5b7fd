'use strict'
// What a writer and a reader take for an event, without each other: in one
// process, in blocks whose tenth percentile other load hardly changes. This
// clone beside another folder of the package, in fresh processes in turns.
//
//   node bench/blocks.js --help

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { makeDirectory } = require('./pair.js')
const { quantile } = require('./statistics.js')
const { KINDS, makeStream } = require('./threats.js')

const ROOT = path.join(__dirname, '..')
const WAYS = ['made', 'one', 'batch', 'threat', 'threats']
const EVENTS = 2048
// Every slot has room for so much text.
const SLOT_TEXT_BYTES = 256
const BATCH = 64
const WARM_UP = 60
const BLOCKS = 120

const USAGE = `\
Usage: node bench/blocks.js FOLDER [ROUNDS] [STRINGS] [KIND]

What a writer and a reader take for an event in this clone and in FOLDER, another
one whose addon is compiled: threats that are only made, and their strings put
together by V8; written one by one and in batches; received by on('threat') and
by on('threats'). 7 rounds of fresh processes if nothing else is said,
threats whose strings are fresh or prepared, of the kind ${Object.keys(KINDS).join(', ')}.`

/** ns for each event of a block. */
async function time(block) {
  const start = process.hrtime.bigint()
  await block()
  return Number(process.hrtime.bigint() - start) / EVENTS
}

/** The tenth percentile of many blocks of one way. */
async function measure(folder, way, strings, kind) {
  const { SharedMemoryIpc, ShmClient } = require(path.join(folder, 'lib'))
  const dir = makeDirectory()
  const stream = makeStream({ kind, strings })
  // A block of the longest ones is never more than the ring has room for.
  const slots = Math.max(4, Math.ceil(stream.longest / SLOT_TEXT_BYTES))
  const writer = new SharedMemoryIpc({ dir, maxEvents: slots * EVENTS })
  const client = new ShmClient({ dir })
  let sent = 0
  let received = 0
  const writeOne = () => {
    for (let i = 0; i < EVENTS; i++) writer.writeThreat(stream.at(sent++))
  }
  const makeBatches = (use) => {
    for (let i = 0; i < EVENTS; i += BATCH) {
      use(Array.from({ length: BATCH }, () => stream.at(sent++)))
    }
  }
  const writeBatches = () => makeBatches((batch) => writer.writeThreats(batch))
  // No way to send a string does without V8 putting its parts together, which
  // it does when one of its characters is asked for.
  const putTogether = () =>
    makeBatches((batch) => {
      for (const { source, details } of batch) {
        const text = source + details
        if (Number.isNaN(text.charCodeAt(0))) throw new Error('no text')
      }
    })
  const receive = async () => {
    while (received < sent) await new Promise(setImmediate)
  }
  if (way === 'threat') client.on('threat', () => received++)
  if (way === 'threats') {
    client.on('threats', (list) => (received += list.length))
  }
  const blocks = { made: putTogether, one: writeOne, batch: writeBatches }
  const costs = []
  for (let i = 0; i < WARM_UP + BLOCKS; i++) {
    const block = blocks[way] ?? receive
    if (block === receive) writeBatches()
    const cost = await time(block)
    if (i >= WARM_UP) costs.push(cost)
  }
  await Promise.all([client.close(), writer.close()])
  fs.rmSync(dir, { recursive: true })
  console.log(quantile(costs, 0.1))
}

function compare(folder, rounds, strings, kind) {
  for (const way of WAYS) {
    const costs = { this: [], that: [] }
    for (let round = 0; round < rounds; round++) {
      const turns = [
        ['this', ROOT],
        ['that', folder]
      ]
      for (const [side, of] of round % 2 === 0 ? turns : turns.reverse()) {
        const args = [__filename, '--child', of, way, strings, kind]
        costs[side].push(Number(execFileSync(process.execPath, args)))
      }
    }
    const ratios = costs.that.map((cost, i) => cost / costs.this[i])
    const show = (values, digits) =>
      [0.5, 0, 1].map((at) => quantile([...values], at).toFixed(digits))
    console.log(way, 'ns', ...show(costs.this, 0), '/', ...show(costs.that, 0))
    console.log(way, 'ratio', ...show(ratios, 2))
  }
}

/** What is wrong with the command line, or undefined. */
function complaint(folder, rounds, strings, kind) {
  if (folder === undefined) return 'FOLDER is missing'
  if (!fs.existsSync(path.join(folder, 'lib', 'index.js'))) {
    return `${folder}: it has no lib/index.js`
  }
  if (!/^[1-9]\d*$/.test(rounds)) {
    return `ROUNDS: not ${rounds}, a whole number from 1`
  }
  if (!['fresh', 'prepared'].includes(strings)) return `STRINGS: not ${strings}`
  return Object.hasOwn(KINDS, kind) ? undefined : `KIND: none is ${kind}`
}

function main(argv) {
  if (argv[0] === '--child') return measure(...argv.slice(1))
  if (argv[0] === '--help') return console.log(USAGE)
  const [folder, rounds = '7', strings = 'fresh', kind = 'varied'] = argv
  const wrong = complaint(folder, rounds, strings, kind)
  if (wrong !== undefined) {
    console.error(`${wrong}\n\n${USAGE}`)
    process.exitCode = 2
    return
  }
  compare(path.resolve(folder), Number(rounds), strings, kind)
}

main(process.argv.slice(2))
