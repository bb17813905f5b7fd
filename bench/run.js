'use strict'
// `npm run bench`: throughput and latency of shared memory beside ws, in
// processes of their own, in rounds that alternate; then what an idle client
// costs. Only ratios within one run say something.

const { fork } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { SharedMemoryIpc } = require('..')
const { Pair } = require('./pair.js')
const { quantile, summarize } = require('./statistics.js')
const { makeThreats } = require('./threats.js')

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string' }
  }
})
const rounds = Number(options.rounds ?? (options.quick ? 3 : 7))
const TRANSPORTS = [
  { name: 'shm', events: options.quick ? 300_000 : 600_000 },
  { name: 'ws', events: options.quick ? 40_000 : 80_000 }
]
const SINGLES = options.quick ? 60 : 150
const WARM_UP_EVENTS = 20_000
const PAUSE_MS = 20
const IDLE_SECONDS = options.quick ? 3 : 10

const progress = (text) => process.stderr.write(`${text}\n`)

// Asleep means asleep: the poll thread does not spin before it sleeps.
const OPTIONS = { shm: { spinMicros: 0 }, ws: {} }

async function measureRound(results) {
  for (const { name, events } of TRANSPORTS) {
    const pair = await Pair.open(name, OPTIONS[name])
    await pair.throughput(events / 4) // warms up, not counted
    results[name].throughput.push(await pair.throughput(events))
    await pair.close()
  }
  for (const { name } of TRANSPORTS) {
    // Fresh processes, warmed up by the same number of events: a collector
    // that tidies up behind a flood would be in the way of single events.
    const pair = await Pair.open(name, OPTIONS[name])
    await pair.throughput(WARM_UP_EVENTS)
    const latencies = await pair.latency(SINGLES, PAUSE_MS)
    results[name].p50.push(quantile(latencies, 0.5))
    results[name].p90.push(quantile(latencies, 0.9))
    await pair.close()
  }
}

async function idle(dir) {
  const child = fork(
    path.join(__dirname, 'idle.js'),
    [dir, String(IDLE_SECONDS)],
    { execArgv: ['--expose-gc'] }
  )
  const [message] = await once(child, 'message')
  await once(child, 'exit')
  return message
}

/** A bare process, and one with a client that has read a whole ring. */
async function measureIdle() {
  const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
  const dir = fs.mkdtempSync(path.join(parent, 'kg-bench-'))
  const shield = new SharedMemoryIpc({ dir })
  makeThreats().forEach((threat) => shield.writeThreat(threat))
  const bare = await idle('')
  const client = await idle(dir)
  await shield.close()
  fs.rmSync(dir, { recursive: true })
  if (client.received === 0) {
    throw new Error('the idle client received nothing')
  }
  return {
    cpuPercent: client.cpu * 100,
    barePercent: bare.cpu * 100,
    megabytes: client.bytes / 2 ** 20
  }
}

function spread({ median: middle, low, high }, digits) {
  const text = (value) =>
    value.toLocaleString('en-US', { maximumFractionDigits: digits })
  return `${text(middle)} (${text(low)} to ${text(high)})`
}

function report({ shm, ws, idle: rest }) {
  const rows = [
    ['throughput, events/s', shm.throughput, ws.throughput, 0],
    [`latency asleep p50, ${PAUSE_MS} ms apart, µs`, shm.p50, ws.p50, 0],
    [`latency asleep p90, ${PAUSE_MS} ms apart, µs`, shm.p90, ws.p90, 0]
  ]
  console.log(
    `\n${rounds} rounds, medians (lowest to highest round); ` +
      `Node ${process.version}, ${os.cpus().length} CPUs (${os.cpus()[0].model.trim()})\n`
  )
  console.log('| what | shared memory | ws | ratio |')
  console.log('| --- | --- | --- | --- |')
  for (const [what, ours, theirs, digits] of rows) {
    console.log(
      `| ${what} | ${spread(ours, digits)} | ${spread(theirs, digits)} | ` +
        `${(ours.median / theirs.median).toFixed(2)} × |`
    )
  }
  console.log(
    `\nidle client over ${IDLE_SECONDS} s: ${rest.cpuPercent.toFixed(3)} % CPU ` +
      `(bare node ${rest.barePercent.toFixed(3)} %); ` +
      `${rest.megabytes.toFixed(2)} MB of memory for each client`
  )
}

async function main() {
  const results = {}
  for (const { name } of TRANSPORTS) {
    results[name] = { throughput: [], p50: [], p90: [] }
  }
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round} of ${rounds}`)
    await measureRound(results)
  }
  progress('two idle processes, one after the other')
  const summary = { rounds, idle: await measureIdle() }
  for (const { name } of TRANSPORTS) {
    summary[name] = {}
    for (const [what, values] of Object.entries(results[name])) {
      summary[name][what] = summarize(values)
    }
  }
  if (options.json) {
    console.log(JSON.stringify(summary, null, 2))
  } else {
    report(summary)
  }
}

main()
