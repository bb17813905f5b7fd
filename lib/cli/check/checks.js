'use strict'
// What is tried, one after the other. Each says what it saw, or throws.

const assert = require('node:assert/strict')
const { Account } = require('./account.js')
const {
  BenchmarkClient,
  IpcFactory,
  SharedMemoryIpc,
  ShmClient
} = require('../../index.js')

const THREATS = 10_000
// Few slots for so many, and enough for the batches of shield.js.
const SMALL_RING = 256
const KILLS = 5
const BEFORE_A_KILL = 500

const LATENCIES = { events: 200, pauseMs: 2 }
const THROUGHPUT = { events: 20_000 }

const micros = (value) => `${value.toFixed(1)} µs`

async function readsAll(place) {
  const shield = await place.shield({ ring: true, maxEvents: 16_384 })
  const client = place.keep(new ShmClient({ dir: place.dir, from: 'oldest' }))
  const account = new Account(client)
  const { sequence } = await shield.ask({ type: 'publish', count: THREATS })
  const text = await account.until(sequence)
  assert.equal(account.received, THREATS, text)
  return text
}

async function isOverrun(place) {
  const shield = await place.shield({ ring: true, maxEvents: SMALL_RING })
  const client = place.keep(new ShmClient({ dir: place.dir, from: 'oldest' }))
  const { sequence } = await shield.ask({ type: 'publish', count: THREATS })
  const text = await new Account(client).until(sequence)
  assert.ok(client.stats().lost > 0, text)
  return text
}

async function isAlone(place) {
  await place.shield({ ring: true })
  assert.throws(() => place.keep(new SharedMemoryIpc({ dir: place.dir })), {
    code: 'ERR_RING_LOCKED'
  })
  return 'ERR_RING_LOCKED'
}

async function takesOver(place) {
  const client = () => new ShmClient({ dir: place.dir, from: 'oldest' })
  let shield = await place.shield({ ring: true })
  const account = new Account(place.keep(client()))
  for (let kill = 1; kill <= KILLS; kill++) {
    await shield.ask({ type: 'flood' })
    await account.upTo(kill * BEFORE_A_KILL)
    await shield.kill()
    shield = await place.shield({ ring: true })
  }
  const { sequence } = await shield.ask({ type: 'publish', count: 1000 })
  return `${KILLS} kills: ${await account.until(sequence)}`
}

/** Over WebSocket, by what these options leave. */
const overWebSocket = (websocket, how) =>
  async function serves(place) {
    const shield = await place.shield({ preferShm: false, websocket })
    const options = { dir: place.dir, preferShm: false, from: 'oldest' }
    const client = place.keep(await IpcFactory.createClient(options))
    const account = new Account(client)
    const { sequence } = await shield.ask({ type: 'publish', count: 1000 })
    await account.upTo(1)
    const { socket, url } = client.stats()
    assert.ok(
      how === 'socket' ? socket !== null : url !== null,
      `not by ${how}`
    )
    return account.until(sequence)
  }

const measuresLatency = (transport) =>
  async function measures() {
    const options = { transport, ...LATENCIES }
    const { min, p50, p90, p99, max } =
      await new BenchmarkClient().measureLatency(options)
    const rest = `p90 ${micros(p90)}, p99 ${micros(p99)}, max ${micros(max)}`
    return `min ${micros(min)}, median ${micros(p50)}, ${rest}`
  }

const measuresThroughput = (transport) =>
  async function measures() {
    const options = { transport, ...THROUGHPUT }
    const { eventsPerSecond } = await new BenchmarkClient().measureThroughput(
      options
    )
    return `${Math.round(eventsPerSecond)} threats a second`
  }

/**
 * @type {{ name: string, needsRing: boolean,
 *   run: (place: import('./workplace.js').Workplace) => Promise<string> }[]}
 */
const CHECKS = [
  ['shared memory between two processes', true, readsAll],
  ['a small ring that is overrun', true, isOverrun],
  ['a second Shield is refused', true, isAlone],
  ['a Shield is killed, and the next takes over', true, takesOver],
  [
    'WebSocket by a local socket',
    false,
    overWebSocket({ port: false }, 'socket')
  ],
  [
    'WebSocket by a port',
    false,
    overWebSocket({ port: 0, socket: false }, 'port')
  ],
  ['latency of shared memory', true, measuresLatency('shm')],
  ['latency of WebSocket', false, measuresLatency('websocket')],
  ['throughput of shared memory', true, measuresThroughput('shm')],
  ['throughput of WebSocket', false, measuresThroughput('websocket')]
].map(([name, needsRing, run]) => ({ name, needsRing, run }))

module.exports = { CHECKS }
