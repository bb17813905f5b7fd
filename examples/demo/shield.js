'use strict'

// The demo's Shield: publishes threats when run.js says so, in a ring and over
// WebSocket. A real one needs the lines with `shield` in them and nothing else.

const { once } = require('node:events')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcFactory } = require('kindly-guard-ipc')
const { sample, TOTAL, threatFor } = require('./threats')

/** Slots. A reader may be that far behind before it loses anything. */
const MAX_EVENTS = 32768

/** Threats of the sample come now and then, as while somebody works. */
const SAMPLE_EVERY_MS = 10

/** The burst is published in slices, so that the event loop gets its turns. */
const SLICE = 1000
const SLICE_EVERY_MS = 10

let shield = null
let refused = 0

/** With `overflow: 'reject'`, a full ring refuses, and drains later. */
async function publish(threat) {
  for (;;) {
    try {
      return shield.writeThreat(threat)
    } catch (error) {
      if (error.code !== 'ERR_RING_FULL') throw error
      refused += 1
      await once(shield, 'drain')
    }
  }
}

const on = {
  async begin({ dir, overflow }) {
    shield = IpcFactory.createHybridTransport({
      dir,
      overflow,
      maxEvents: MAX_EVENTS,
      websocket: { port: 0 }
    })
    await shield.ready()
    const { shm, websocket } = shield.stats()
    process.send({ ready: [shm.path, websocket.url] })
  },

  async sample() {
    for (let sequence = 1; sequence <= sample.length; sequence++) {
      await publish(threatFor(sequence))
      await sleep(SAMPLE_EVERY_MS)
    }
  },

  async burst() {
    for (let first = sample.length + 1; first <= TOTAL; first += SLICE) {
      const end = Math.min(first + SLICE, TOTAL + 1)
      for (let sequence = first; sequence < end; sequence++) {
        await publish(threatFor(sequence))
      }
      await sleep(SLICE_EVERY_MS)
    }
    const { published } = shield.stats()
    process.send({ published: { published, refused } })
  },

  async end() {
    await shield.close()
    process.disconnect()
  }
}

process.on('message', ({ command, options }) => on[command](options))

// run.js has ended, so nobody reads what this process publishes.
process.on('disconnect', () => process.exit())

// Ctrl-C reaches every process of a terminal; run.js decides what it means.
process.on('SIGINT', () => {})
