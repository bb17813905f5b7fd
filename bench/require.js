'use strict'
// What it takes to load the package, and parts of it, beside `ws` and beside a
// Node that loads nothing. Each time in a fresh process, in rounds that take
// turns.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { makeDirectory } = require('./pair.js')
const { summarize } = require('./statistics.js')
const { number, table } = require('./table.js')

const ROUNDS = 15
const PARTS = [
  'bare',
  'ws',
  'client',
  'client, addon',
  'client, reading a ring',
  'shield',
  'whole'
]

const USAGE = `\
Usage: node bench/require.js [--rounds N] [FILE]...

Loads each part of the package N times (${ROUNDS}), each time in a fresh process;
and every FILE, which may be a bundle or another clone of this package.`

const CHILD = path.join(__dirname, 'require-child.js')

/** Of one fresh process. */
function measure(name, dir) {
  const args = [CHILD, name, dir]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

function measureAll(names, rounds, dir) {
  const results = new Map(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    // Every second round goes backwards, so that nobody always comes first.
    const order = round % 2 === 0 ? names : [...names].reverse()
    for (const name of order) results.get(name).push(measure(name, dir))
  }
  return results
}

function print(results) {
  const medianOf = (rounds, key) =>
    summarize(rounds.map((round) => round[key])).median
  const ws = medianOf(results.get('ws'), 'milliseconds')
  const bare = medianOf(results.get('bare'), 'megabytes')
  const rows = [...results].map(([name, rounds]) => {
    const [{ files }] = rounds
    const milliseconds = medianOf(rounds, 'milliseconds')
    return [
      path.isAbsolute(name) ? path.basename(name) : name,
      number(milliseconds / ws),
      number(medianOf(rounds, 'megabytes') - bare),
      number(milliseconds),
      String(files)
    ]
  })
  const head = ['what', 'time, ws = 1', 'RSS, MB over bare', 'ms', 'files']
  console.log(table(head, rows))
}

function readCommand() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: String(ROUNDS) },
        help: { type: 'boolean', default: false }
      }
    })
    const rounds = Number(values.rounds)
    if (!Number.isInteger(rounds) || rounds < 1) {
      throw new Error(`--rounds: expected a number, got ${values.rounds}`)
    }
    const files = positionals.map((file) => path.resolve(file))
    for (const file of files) require.resolve(file)
    return { rounds, files, help: values.help }
  } catch (error) {
    console.error(`${error.message.split('\n', 1)[0]}\n\n${USAGE}`)
    return null
  }
}

async function main() {
  const command = readCommand()
  if (command === null) return 2
  if (command.help) {
    console.log(USAGE)
    return 0
  }
  const { createTransport } = require('kindly-guard-ipc/shield')
  const dir = makeDirectory()
  const shield = createTransport({ dir, websocket: { enabled: false } })
  try {
    await shield.ready()
    const names = [...PARTS, ...command.files]
    print(measureAll(names, command.rounds, dir))
    return 0
  } finally {
    await shield.close()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

main().then((code) => {
  process.exitCode = code
})
