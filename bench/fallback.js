'use strict'
// `npm run bench:fallback`: what the WebSocket fallback promises. How fast a
// client is on it when the ring goes while the Shield lives, and what clients
// that never read cost the one beside them that does.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcFactory } = require('..')
const { quantile, summarize } = require('./statistics.js')
const { number, spread } = require('./table.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run bench:fallback -- [options]
  --quick   fewer losses of the ring, rounds and threats
  --json    the figures as JSON in the table's place
`

const options = readOptions(USAGE, {
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false }
})
const LOSSES = options.quick ? 10 : 100
const ROUNDS = options.quick ? 3 : 5
const SINGLES = options.quick ? 60 : 200
const STALLED = 200

const progress = (text) => process.stderr.write(`${text}\n`)

/** A process of fallback-child.js; its messages are events. */
function start(role, config) {
  const child = fork(
    path.join(__dirname, 'fallback-child.js'),
    [role, JSON.stringify(config)],
    { execArgv: ['--expose-gc'] }
  )
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
  return {
    ask,
    ready: once(messages, 'ready'),
    end: async () => {
      child.send({ type: 'end' })
      await once(child, 'exit')
    }
  }
}

/** A directory for one run, and a home where the discovery file may go. */
function makePlaces() {
  const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
  const base = fs.mkdtempSync(path.join(parent, 'kg-bench-'))
  const home = path.join(base, 'home')
  fs.mkdirSync(home, { mode: 0o700 })
  process.env.XDG_RUNTIME_DIR = home
  return { base, dir: path.join(base, 'ring') }
}

// --- Fail-over -------------------------------------------------------------

/**
 * Milliseconds from the loss of the ring, at an instant that neither side
 * knows, to the next event that the client gets over WebSocket.
 */
async function measureFailOver() {
  const { base, dir } = makePlaces()
  const shield = start('shield', { dir, everyMs: 1, hybrid: true })
  await shield.ready
  const client = await IpcFactory.createClient({ dir })
  let next = null
  let wrong = 0
  let heard = () => {}
  const pass = (generation, from, to) => {
    const follows = generation === next?.generation
    if (next !== null && from !== (follows ? next.sequence : 1)) wrong++
    next = { generation, sequence: to + 1 }
  }
  client.on('lost', ({ generation, from, to }) => pass(generation, from, to))
  client.on('threat', ({ id, sequence }) => {
    pass(id.slice(0, 16), sequence, sequence)
    heard()
  })
  const gaps = []
  for (let i = 0; i < LOSSES; i++) {
    await until(() => client.isShmActive())
    await sleep(50 + Math.random() * 200)
    // The ring goes with its directory, and the Shield cannot make another.
    fs.renameSync(dir, `${dir}.away`)
    fs.writeFileSync(dir, '')
    // The Shield is told by nobody but its own look, twice a second. From the
    // instant when it publishes without the ring, the client has nothing.
    const { lostAt } = await shield.ask('lost')
    await new Promise((resolve) => {
      heard = () => {
        if (!client.isShmActive()) resolve()
      }
    })
    gaps.push(Number(process.hrtime.bigint() - BigInt(lostAt)) / 1e6)
    heard = () => {}
    fs.unlinkSync(dir)
    fs.renameSync(`${dir}.away`, dir)
    if (i % 10 === 9) progress(`fail-over: ${i + 1} of ${LOSSES}`)
  }
  const { received, lost } = client.stats()
  await client.close()
  await shield.end()
  fs.rmSync(base, { recursive: true })
  if (wrong > 0) throw new Error(`${wrong} events out of order`)
  return {
    losses: LOSSES,
    p50: quantile(gaps, 0.5),
    p95: quantile(gaps, 0.95),
    max: Math.max(...gaps),
    within250: gaps.filter((gap) => gap <= 250).length,
    received,
    lost
  }
}

async function until(condition) {
  while (!condition()) await sleep(1)
}

// --- Clients that never read -----------------------------------------------

async function measureRound(stalled) {
  const { base, dir } = makePlaces()
  const shield = start('shield', { dir, maxClients: STALLED + 10 })
  await shield.ready
  const reader = start('reader', { dir })
  await reader.ready
  const crowd = start('crowd', { dir, count: stalled })
  await crowd.ready
  const before = await shield.ask('memory')
  // More than the sockets and the server hold for one client.
  await shield.ask('flood', { count: 120, bytes: 60_000 })
  const filled = await shield.ask('memory')
  await reader.ask('begin')
  await shield.ask('singles', { count: SINGLES, pauseMs: 10 })
  const { latencies, lost } = await reader.ask('latencies', {
    count: SINGLES
  })
  const { blocked } = await shield.ask('clients')
  await Promise.all([reader.end(), crowd.end()])
  await shield.end()
  fs.rmSync(base, { recursive: true })
  if (lost > 0 || latencies.length !== SINGLES) {
    throw new Error(`the reader got ${latencies.length}, lost ${lost}`)
  }
  if (blocked < stalled) {
    throw new Error(`only ${blocked} of ${stalled} clients are stalled`)
  }
  return {
    p50: quantile(latencies, 0.5),
    p90: quantile(latencies, 0.9),
    megabytes: (filled.rss - before.rss) / 2 ** 20
  }
}

async function measureStalled() {
  const alone = []
  const beside = []
  for (let round = 1; round <= ROUNDS; round++) {
    progress(`stalled clients: round ${round} of ${ROUNDS}`)
    alone.push(await measureRound(0))
    beside.push(await measureRound(STALLED))
  }
  const of = (rounds, key) => summarize(rounds.map((round) => round[key]))
  return Object.fromEntries(
    Object.entries({ alone, beside }).map(([name, rounds]) => [
      name,
      {
        p50: of(rounds, 'p50'),
        p90: of(rounds, 'p90'),
        megabytes: of(rounds, 'megabytes')
      }
    ])
  )
}

// ---------------------------------------------------------------------------

function report({ failOver, stalled: { alone, beside } }) {
  console.log(
    `\nNode ${process.version}, ${os.cpus().length} CPUs ` +
      `(${os.cpus()[0].model.trim()})\n`
  )
  console.log(
    `fail-over, Shield alive, ${failOver.losses} losses of the ring: the next ` +
      `event after ${number(failOver.p50)} ms (p50), ` +
      `${number(failOver.p95)} ms (p95), ${number(failOver.max)} ms at most; ` +
      `${failOver.within250} within 250 ms; ` +
      `${failOver.received} received, ${failOver.lost} lost, each once\n`
  )
  console.log(
    `| one client, µs | alone | beside ${STALLED} that never read | ratio |`
  )
  console.log('| --- | --- | --- | --- |')
  for (const key of ['p50', 'p90']) {
    const ratio = beside[key].median / alone[key].median
    console.log(
      `| ${key} | ${spread(alone[key])} | ${spread(beside[key])} | ` +
        `${ratio.toFixed(2)} × |`
    )
  }
  console.log(
    `\nmemory of the Shield for the ${STALLED}: ` +
      `${spread(beside.megabytes)} MB, without them ` +
      `${spread(alone.megabytes)} MB`
  )
}

async function main() {
  const results = {
    failOver: await measureFailOver(),
    stalled: await measureStalled()
  }
  if (options.json) console.log(JSON.stringify(results, null, 2))
  else report(results)
}

main()
