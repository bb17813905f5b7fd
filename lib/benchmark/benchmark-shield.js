'use strict'
// The other process of BenchmarkClient: a Shield that publishes on command and
// answers when it did. In a bundle, `kindly-guard-ipc/benchmark-shield`.

const { setTimeout: sleep } = require('node:timers/promises')
const { now } = require('./clock.js')
const { IpcFactory } = require('../factory.js')
const { threatOf } = require('./threats.js')

// Events that may be on their way over WebSocket, which does not wait for a
// client that is slow.
const WINDOW = 4096

const { dir, transport, ...ring } = JSON.parse(process.argv[2])

let taken = 0
let onTaken = () => {}

const write = (shield, threats) =>
  threats.length === 1
    ? shield.writeThreat(threats[0])
    : shield.writeThreats(threats)

/** Writes when there is space again. */
async function writeLater(shield, threats) {
  for (;;) {
    await shield.writable()
    try {
      return write(shield, threats)
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') throw error
    }
  }
}

async function flood(shield, { first, last, batch }) {
  for (let i = first; i < last; i += batch) {
    const length = Math.min(batch, last - i)
    const threats = Array.from({ length }, (_, j) => threatOf(i + j))
    try {
      write(shield, threats)
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') throw error
      await writeLater(shield, threats)
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
    // With jitter, so that it is not in step with a timer of either side.
    await sleep(pauseMs * (0.75 + Math.random() / 2))
    const threat = threatOf(i)
    times.push(now())
    shield.writeThreat(threat)
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
  // The benchmark is over, or its process is gone.
  process.on('disconnect', async () => {
    await shield.close()
    process.exit()
  })
  process.send({ type: 'ready' })
}

main()
