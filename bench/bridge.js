'use strict'
// What a bridge costs: `kindly-guard-ipc bridge` beside the barest forwarder, a
// reader and `ws.send`, each with one client, in turns within one run.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { makeDirectory } = require('./pair.js')
const { quantile, summarize } = require('./statistics.js')
const { number, spread, table } = require('./table.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run bench:bridge -- [options]
  --quick   fewer rounds, and shorter ones
  --json    the figures as JSON in the table's place
`

const options = readOptions(USAGE, {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false }
})
const ROUNDS = options.quick ? 5 : 15
const SECONDS = options.quick ? 1 : 3
const PER_SECOND = 1000
// What is measured has run for a while, at the same pace: V8 compiles a bridge,
// which has more code, for longer.
const WARM_UP = (options.quick ? 5 : 20) * PER_SECOND

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

/** One side, with a ring and a client of its own, which has run for a while. */
async function open(side, base) {
  const { forwarder: role, client: clientRole } = SIDES[side]
  const dir = path.join(base, side)
  const writer = start('writer', { dir })
  await writer.ready
  const forwarder = start(role, { dir })
  const { port } = await forwarder.ready
  const client = start(clientRole, { dir, port })
  await client.ready
  await writer.ask('write', { count: WARM_UP, perSecond: PER_SECOND })
  let written = WARM_UP
  return {
    measure: async () => {
      await client.ask('begin', { after: written })
      const before = await forwarder.ask('cpu')
      const count = SECONDS * PER_SECOND
      await writer.ask('write', { count, perSecond: PER_SECOND })
      const { lags } = await client.ask('lags', { count })
      const after = await forwarder.ask('cpu')
      written += count
      const micros = after.micros - before.micros
      return {
        cpuPercent: (micros / (after.at - before.at)) * 100,
        microsEach: micros / count,
        lagP50: quantile(lags, 0.5),
        lagP90: quantile(lags, 0.9)
      }
    },
    end: async () => {
      for (const each of [client, forwarder, writer]) await each.end()
    }
  }
}

async function measureAll() {
  const base = makeDirectory()
  progress('warming up')
  const sides = await Promise.all(NAMES.map((name) => open(name, base)))
  const rounds = Object.fromEntries(NAMES.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`)
    // One at a time, and none is always the first one.
    const order = NAMES.map((_, i) => (i + round) % NAMES.length)
    for (const i of order) rounds[NAMES[i]].push(await sides[i].measure())
  }
  for (const side of sides) await side.end()
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

const said = (fine) => (fine ? 'reached' : 'NOT reached')

function report({ bridge, port, barest, socketRatio, portRatio }) {
  console.log(
    `\nNode ${process.version}, ${os.cpus().length} CPUs ` +
      `(${os.cpus()[0].model.trim()}), load ${number(os.loadavg()[0])}; ` +
      `${PER_SECOND} threats a second, ${ROUNDS} rounds of ${SECONDS} s\n`
  )
  console.log(
    table(
      ['medians', 'bridge, its socket', 'bridge, its port', 'barest, a port'],
      [
        ['CPU of the forwarder, %', 'cpuPercent'],
        ['CPU for each threat, µs', 'microsEach'],
        ['writer to client p50, µs', 'lagP50'],
        ['writer to client p90, µs', 'lagP90']
      ].map(([name, key]) => [
        name,
        ...[bridge, port, barest].map((side) => spread(side[key]))
      ])
    )
  )
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
