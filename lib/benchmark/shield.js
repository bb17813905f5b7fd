'use strict'
// The other process of BenchmarkClient: a Shield that publishes what it is
// told to, and says when it did.

const { IpcFactory } = require('../factory.js')
const { makeThreats } = require('./threats.js')

// Events that may be under way over WebSocket, which waits for nobody.
const WINDOW = 4096

const { dir, transport, ...ring } = JSON.parse(process.argv[2])
const threats = makeThreats()
const now = () => Number(process.hrtime.bigint())

let taken = 0
let onTaken = () => {}

const pause = (milliseconds) =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds)
  })

/** Calls `write`, and again when there is room if there was none. */
async function reliably(shield, write) {
  for (;;) {
    try {
      write()
      return
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') throw error
      await shield.writable()
    }
  }
}

async function flood(shield, { first, last, batch }) {
  for (let i = first; i < last; i += batch) {
    if (batch === 1) {
      const threat = threats[i % threats.length]
      try {
        shield.writeThreat(threat)
      } catch {
        await reliably(shield, () => shield.writeThreat(threat))
      }
    } else {
      const list = []
      for (let j = i; j < Math.min(i + batch, last); j++) {
        list.push(threats[j % threats.length])
      }
      await reliably(shield, () => shield.writeThreats(list))
    }
    while (transport === 'websocket' && i - taken >= WINDOW) {
      await new Promise((resolve) => {
        onTaken = resolve
      })
    }
  }
}

/** One after the other; returns when each was published. */
async function singles(shield, { first, last, pauseMs }) {
  const times = []
  for (let i = first; i < last; i++) {
    // Jitter, so that no timer of either side falls into step with it.
    await pause(pauseMs * (0.75 + Math.random() / 2))
    times.push(now())
    shield.writeThreat(threats[i % threats.length])
  }
  return times
}

async function main() {
  const shield = IpcFactory.createTransport(
    transport === 'shm'
      ? { dir, ...ring, overflow: 'reject', websocket: { enabled: false } }
      : { dir, ...ring, preferShm: false, websocket: { port: 0 } }
  )
  await shield.ready()
  process.on('message', async (message) => {
    if (message.type === 'flood') {
      const start = now()
      await flood(shield, message)
      process.send({ type: 'sent', start })
    } else if (message.type === 'singles') {
      const times = await singles(shield, message)
      process.send({ type: 'sent', times })
    } else if (message.type === 'taken') {
      taken = message.count
      onTaken()
    }
  })
  // The benchmark is over, or whoever ran it is.
  process.on('disconnect', async () => {
    await shield.close()
    process.exit()
  })
  process.send({ type: 'ready' })
}

main()
