'use strict'
// What it takes to load the package, and parts of it, beside `ws` and beside a
// Node that loads nothing. Each time in a fresh process, in rounds that take
// turns.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { makeDirectory } = require('./pair.js')
const { summarize } = require('./statistics.js')
const { number, table } = require('./table.js')
const { readOptions } = require('./usage.js')

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
npm run bench:require -- [options]
  --rounds N       so many rounds (${ROUNDS})
  --file FILE      loads this as well: a bundle, or index.js of another clone;
                   may be given more than once
`

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
  const { rounds: given, file } = readOptions(USAGE, {
    rounds: { type: 'string', default: String(ROUNDS) },
    file: { type: 'string', multiple: true, default: [] }
  })
  const rounds = Number(given)
  const files = file.map((name) => path.resolve(name))
  const missing = files.find((name) => !fs.existsSync(name))
  if (missing === undefined && Number.isInteger(rounds) && rounds > 0) {
    return { rounds, files }
  }
  console.error(
    missing === undefined
      ? `--rounds: expected a whole number from 1, got ${given}\n\n${USAGE}`
      : `--file: there is no ${missing}\n\n${USAGE}`
  )
  process.exit(2)
}

async function main() {
  const { rounds, files } = readCommand()
  const { createTransport } = require('kindly-guard-ipc/shield')
  const dir = makeDirectory()
  const shield = createTransport({ dir, websocket: { enabled: false } })
  try {
    await shield.ready()
    const names = [...PARTS, ...files]
    print(measureAll(names, rounds, dir))
  } finally {
    await shield.close()
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

main()
