'use strict'
// What a bridge costs: `kindly-guard-ipc bridge` beside the barest forwarder, a
// reader and `ws.send`, each with one client, in turns within one run.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { quantile, summarize } = require('./statistics.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run bench:bridge -- [options]
  --quick   fewer rounds, and shorter ones
  --json    the figures as JSON in the table's place
`

const options = readOptions(USAGE, {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false }
})
const ROUNDS = options.quick ? 3 : 7
const SECONDS = options.quick ? 2 : 6
const PER_SECOND = 1000
// What is measured is a forwarder that has run for a while: a bridge has more
// code, which V8 compiles later.
const WARM_UP = 15_000
const WARM_UP_PER_SECOND = 5000
// Local clients use a bridge's Unix socket, the others its port, and the barest
// forwarder has a port alone.
const SIDES = {
  bridge: { forwarder: 'bridge', client: 'socketClient' },
  port: { forwarder: 'bridge', client: 'portClient' },
  barest: { forwarder: 'barest', client: 'barestClient' }
}
const NAMES = Object.keys(SIDES)

// What is promised.
const MOST_CPU = 1.15
const MOST_LAG_MICROS = 1000

const progress = (text) => process.stderr.write(`${text}\n`)

/** A process of bridge-child.js; its messages are events. */
function start(role, config) {
  const child = fork(path.join(__dirname, 'bridge-child.js'), [
    role,
    JSON.stringify(config)
  ])
  const messages = new EventEmitter()
  child.on('message', ({ type, ...rest }) => messages.emit(type, rest))
  child.on('exit', (code) => {
    if (code !== 0) messages.emit('error', new Error(`${role} exited: ${code}`))
  })
  const ask = async (type, more) => {
    const answer = once(messages, type)
    child.send({ type, ...more })
    return (await answer)[0]
  }
  const end = async () => {
    child.send({ type: 'end' })
    await once(child, 'exit')
  }
  return { ask, end, ready: once(messages, 'ready').then(([one]) => one) }
}

/** One side and its client, for one round. */
async function measure(side, base) {
  const dir = path.join(base, 'ring')
  const writer = start('writer', { dir })
  await writer.ready
  const forwarder = start(SIDES[side].forwarder, { dir })
  const { port } = await forwarder.ready
  const client = start(SIDES[side].client, { dir, port })
  await client.ready
  await writer.ask('write', {
    count: WARM_UP,
    perSecond: WARM_UP_PER_SECOND
  })
  await client.ask('begin', { after: WARM_UP })
  const before = await forwarder.ask('cpu')
  const count = SECONDS * PER_SECOND
  await writer.ask('write', { count, perSecond: PER_SECOND })
  const { lags } = await client.ask('lags', { count })
  const after = await forwarder.ask('cpu')
  for (const each of [client, forwarder, writer]) await each.end()
  fs.rmSync(dir, { recursive: true })
  const micros = after.micros - before.micros
  return {
    cpuPercent: (micros / (after.at - before.at)) * 100,
    microsEach: micros / count,
    lagP50: quantile(lags, 0.5),
    lagP90: quantile(lags, 0.9)
  }
}

async function measureAll() {
  const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
  const base = fs.mkdtempSync(path.join(parent, 'kg-bench-'))
  const rounds = Object.fromEntries(NAMES.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`)
    // None is always the first one.
    const order = round % 2 === 0 ? NAMES : [...NAMES].reverse()
    for (const side of order) {
      rounds[side].push(await measure(side, base))
      await sleep(100)
    }
  }
  fs.rmSync(base, { recursive: true })
  const of = (side, key) => summarize(rounds[side].map((each) => each[key]))
  const figures = Object.fromEntries(
    NAMES.map((side) => [
      side,
      Object.fromEntries(
        Object.keys(rounds[side][0]).map((key) => [key, of(side, key)])
      )
    ])
  )
  // By medians, and of rounds beside each other: what else the machine does
  // counts less there.
  const ratioOf = (side) => ({
    cpuRatio:
      figures[side].microsEach.median / figures.barest.microsEach.median,
    cpuRatios: summarize(
      rounds[side].map(
        (each, i) => each.microsEach / rounds.barest[i].microsEach
      )
    )
  })
  return {
    ...figures,
    socketRatio: ratioOf('bridge'),
    portRatio: ratioOf('port')
  }
}

const number = (value) =>
  value.toLocaleString('en-US', { maximumFractionDigits: 2 })
const spread = ({ median, low, high }) =>
  `${number(median)} (${number(low)} to ${number(high)})`

const said = (fine) => (fine ? 'reached' : 'NOT reached')

function report({ bridge, port, barest, socketRatio, portRatio }) {
  console.log(
    `\nNode ${process.version}, ${os.cpus().length} CPUs ` +
      `(${os.cpus()[0].model.trim()}), load ${number(os.loadavg()[0])}; ` +
      `${PER_SECOND} threats a second, ${ROUNDS} rounds of ${SECONDS} s\n`
  )
  console.log(
    '| median (lowest to highest round) | bridge, its socket | bridge, ' +
      'its port | barest, a port |'
  )
  console.log('| --- | --- | --- | --- |')
  for (const [name, key] of [
    ['CPU of the forwarder, %', 'cpuPercent'],
    ['CPU for each threat, µs', 'microsEach'],
    ['writer to client p50, µs', 'lagP50'],
    ['writer to client p90, µs', 'lagP90']
  ]) {
    const cells = [bridge, port, barest].map((side) => spread(side[key]))
    console.log(`| ${[name, ...cells].join(' | ')} |`)
  }
  console.log()
  for (const [name, { cpuRatio, cpuRatios }] of [
    ['socket', socketRatio],
    ['port', portRatio]
  ]) {
    console.log(
      `CPU over its ${name}: ${number(cpuRatio)} × of the barest (medians), ` +
        `${spread(cpuRatios)} round by round; at most ${MOST_CPU} × is aimed ` +
        `at: ${said(cpuRatio <= MOST_CPU)}`
    )
  }
  const lag = Math.max(bridge.lagP50.median, port.lagP50.median)
  console.log(
    `lag p50 ${number(lag)} µs, ${MOST_LAG_MICROS} is aimed at: ` +
      said(lag < MOST_LAG_MICROS)
  )
}

measureAll().then((results) => {
  if (options.json) console.log(JSON.stringify(results, null, 2))
  else report(results)
})
