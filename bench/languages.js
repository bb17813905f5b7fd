'use strict'
// Shields in C, Rust and Node before the same reader in Node: threats made anew
// and written one by one into a ring whose writer waits for its reader, and
// single ones to a reader that sleeps. In turns within one run; the reader checks
// every field of every threat, and that none is missing.

const { execFileSync, fork, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')
const { makeDirectory } = require('./pair.js')
const { quantile, summarize } = require('./statistics.js')
const { number, spread, table } = require('./table.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run bench:languages -- [options]
  --quick   fewer rounds, of fewer threats
  --json    the figures as JSON in the table's place
`

const options = readOptions(USAGE, {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false }
})
const ROUNDS = options.quick ? 3 : 7
const FLOOD = options.quick ? 100_000 : 500_000
const SINGLES = options.quick ? 60 : 150
const PAUSE_MICROS = 20_000
const WARM_UP = 50_000

// What is promised, beside Node's.
const LEAST_RATE = 1.4
const MOST_LATENCY = 1.05

const CHILD = path.join(__dirname, 'languages-child.js')
const SHIELDS = path.join(__dirname, 'shields')
const CRATE = path.join(SHIELDS, 'rust')

const say = (text) => process.stderr.write(`${text}\n`)

function build(command, args, more) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 2, 2], ...more })
    return true
  } catch (error) {
    say(`not measured: ${command} ${args[0]}: ${error.message}`)
    return false
  }
}

/** The Shields that can be built here: `[name, program, arguments]` */
function buildShields() {
  const shields = [['Node', process.execPath, [CHILD, 'shield']]]
  if (build('make', ['-s', '-C', SHIELDS])) {
    shields.push(['C', path.join(SHIELDS, 'build', 'shield'), []])
  }
  const target = path.join(SHIELDS, 'build', 'rust')
  const args = ['build', '--offline', '--release']
  const env = { ...process.env, CARGO_TARGET_DIR: target }
  if (build('cargo', ['--quiet', ...args], { cwd: CRATE, env })) {
    const program = path.join(target, 'release', 'measured')
    shields.push(['Rust', program, []])
  }
  return shields
}

/** A Shield, and its reader, which have run for a while. */
class Side {
  static async open([name, program, args]) {
    const side = new Side()
    side.name = name
    side._dir = makeDirectory()
    side._written = 0
    side._shield = spawn(program, [...args, side._dir], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    const lines = readline.createInterface(side._shield.stdout)
    side._lines = lines[Symbol.asyncIterator]()
    await side._lines.next()
    side._reader = fork(CHILD, ['reader', side._dir])
    await once(side._reader, 'message')
    await side._measure(WARM_UP, 0)
    return side
  }

  async _measure(count, pauseMicros) {
    this._written += count
    this._reader.send({ upTo: this._written, withLags: pauseMicros > 0 })
    await once(this._reader, 'message')
    const told = once(this._reader, 'message')
    this._shield.stdin.write(`${count} ${pauseMicros}\n`)
    const [result] = await told
    await this._lines.next()
    return result
  }

  async flood() {
    const { seconds } = await this._measure(FLOOD, 0)
    return FLOOD / seconds
  }

  async singles() {
    const { lags } = await this._measure(SINGLES, PAUSE_MICROS)
    return quantile(lags, 0.5)
  }

  async end() {
    this._shield.stdin.end()
    await once(this._shield, 'exit')
    this._reader.disconnect()
    await once(this._reader, 'exit')
    fs.rmSync(this._dir, { recursive: true })
  }
}

async function measureAll() {
  const results = new Map()
  const shields = buildShields()
  for (let round = 0; round < ROUNDS; round++) {
    const order = round % 2 === 0 ? shields : [...shields].reverse()
    for (const shield of order) {
      say(`round ${round + 1} of ${ROUNDS}: ${shield[0]}`)
      // Alone: a reader that sleeps has timers, too.
      const side = await Side.open(shield)
      const rounds = results.get(side.name) ?? { rates: [], latencies: [] }
      rounds.rates.push(await side.flood())
      rounds.latencies.push(await side.singles())
      results.set(side.name, rounds)
      await side.end()
    }
  }
  return [...results].map(([name, { rates, latencies }]) => ({
    name,
    rate: summarize(rates),
    latency: summarize(latencies)
  }))
}

function print(results) {
  const node = results.find(({ name }) => name === 'Node')
  console.log(
    `\nNode ${process.version}, ${os.cpus().length} CPUs ` +
      `(${os.cpus()[0].model.trim()}), load ${number(os.loadavg()[0])} at the ` +
      `end; ${ROUNDS} rounds\n`
  )
  console.log(
    table(
      ['a Shield in', 'threats/s', '× Node', 'asleep p50, µs', '× Node'],
      results.map(({ name, rate, latency }) => [
        name,
        spread(rate),
        number(rate.median / node.rate.median),
        spread(latency),
        number(latency.median / node.latency.median)
      ])
    )
  )
  for (const { name, rate, latency } of results) {
    if (name === 'Node') continue
    const isFast = rate.median >= LEAST_RATE * node.rate.median
    const isPrompt = latency.median <= MOST_LATENCY * node.latency.median
    console.log(
      `${name}: at least ${LEAST_RATE} × the threats of Node's: ` +
        `${isFast ? 'reached' : 'NOT reached'}; at most ${MOST_LATENCY} × its ` +
        `latency: ${isPrompt ? 'reached' : 'NOT reached'}`
    )
  }
}

measureAll().then((results) => {
  if (options.json) console.log(JSON.stringify(results, null, 2))
  else print(results)
})
