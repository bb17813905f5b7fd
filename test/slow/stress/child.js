'use strict'
// One process of a stress run: a writer, or a reader. It is told what it is by
// its first message and is killed at any moment.

const { once } = require('node:events')
const { setTimeout: sleep } = require('node:timers/promises')
// Not lib/index.js: thousands of these begin, and need no more than this.
const { ShmClient } = require('../../../lib/shm/client.js')
const { SharedMemoryIpc } = require('../../../lib/shm/writer.js')
const { Account, threatOf } = require('./account.js')

const MOST_AT_ONCE = 8

/** Nanoseconds that every process of this machine counts alike. */
const now = () => Number(process.hrtime.bigint())

const tell = (message) => process.send(message)

// --- The writer ------------------------------------------------------------

/** The lock of the ring: at once, or when the one who has it dies. */
async function takeOver(options) {
  for (let isTold = false; ;) {
    try {
      return new SharedMemoryIpc(options)
    } catch (error) {
      if (error.code !== 'ERR_RING_LOCKED') {
        throw error
      }
      if (!isTold) {
        isTold = true
        tell({ waiting: true })
      }
      await sleep(1)
    }
  }
}

/** Publishes the next few, waiting for room; returns the last sequence. */
async function publish(writer, sequence, count) {
  const batch = Array.from({ length: count }, (_, i) =>
    threatOf(sequence + 1 + i)
  )
  for (;;) {
    try {
      return count === 1
        ? writer.writeThreat(batch[0])
        : writer.writeThreats(batch)
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') {
        throw error
      }
      if (sequence % 2 === 0) await once(writer, 'drain')
      else await writer.writable()
      // Backpressure for one may not be room for all.
      await sleep(1)
    }
  }
}

/** Bursts of random length until it is told to stop. */
async function write({ options, burst }) {
  let stopped = false
  process.on('message', (message) => {
    stopped ||= message.stop === true
  })
  const writer = await takeOver(options)
  const locked = now()
  let { sequence } = writer.stats()
  sequence = await publish(writer, sequence, 1)
  tell({ locked, first: now() })
  while (!stopped) {
    const until = sequence + 1 + Math.floor(Math.random() * burst)
    while (sequence < until && !stopped) {
      const several = sequence % 5 === 0
      const count = several ? 1 + Math.floor(Math.random() * MOST_AT_ONCE) : 1
      sequence = await publish(writer, sequence, count)
    }
    await sleep(3)
  }
  tell({ last: sequence, evicted: writer.stats().evicted })
}

/** So many events, as fast as the readers take them. */
async function flow({ options, limit }) {
  const writer = new SharedMemoryIpc(options)
  const go = once(process, 'message')
  tell({ ready: true })
  await go
  let sequence = 0
  while (sequence < limit) {
    sequence = await publish(writer, sequence, 1)
  }
  const { rejected, evicted } = writer.stats()
  tell({ last: sequence, rejected, evicted })
}

// --- The reader ------------------------------------------------------------

/** Reads in one of the ways that there are, with a pause now and then. */
const WAYS = {
  threat: (client, account) =>
    client.on('threat', (threat) => account.threat(threat)),

  threats: (client, account) =>
    client.on('threats', (batch) =>
      batch.forEach((threat) => account.threat(threat))
    ),

  poll: (client, account, pause) =>
    client.pollThreats((threat) => {
      account.threat(threat)
      return pause(account)
    }),

  async iterate(client, account, pause) {
    for await (const threat of client) {
      account.threat(threat)
      await pause(account)
    }
  }
}

async function read({ options, way, pauseEvery = 0, pauseMs = 0 }) {
  const client = new ShmClient(options)
  const account = new Account(client.stats().sequence + 1)
  client.on('lost', (loss) => account.loss(loss))
  client.on('error', (error) => account.notes.push(String(error)))
  const pause = ({ received }) =>
    pauseEvery > 0 && received % pauseEvery === 0 ? sleep(pauseMs) : undefined
  WAYS[way](client, account, pause)
  process.on('message', async ({ last }) => {
    // A loop behind has yet to see what its iterator took in advance.
    while (client.stats().sequence < last || account.next <= last) {
      await sleep(5)
    }
    const { corrupt } = client.stats()
    if (corrupt > 0) account.notes.push(`${corrupt} slots were corrupt`)
    tell({ account: { ...account, mismatches: account.mismatches(last) } })
  })
  // Nobody reads the rest of what a reader that is killed has found wrong.
  const timer = setInterval(() => {
    if (account.notes.length > 0) {
      clearInterval(timer)
      tell({ wrong: account.notes })
    }
  }, 20)
  tell({ reading: true })
}

// ---------------------------------------------------------------------------

process.on('disconnect', () => process.exit(1))
process.once('message', (order) => {
  const roles = { writer: write, flow, reader: read }
  roles[order.role](order).catch((error) => {
    tell({ failed: error.stack })
  })
})
