'use strict'
// Shared memory: the product. A second ring carries the receiver's progress
// back, so that the sender never laps it and nothing is lost.

const { SharedMemoryIpc, ShmClient } = require('../..')

const SLOTS = 8192
const WINDOW = 6000
const ACK_EVERY = 512

function connect(Type, options) {
  return new Promise((resolve) => {
    const attempt = () => {
      try {
        resolve(new Type(options))
      } catch (error) {
        if (error.code !== 'ERR_NO_RING') {
          throw error
        }
        setTimeout(attempt, 10)
      }
    }
    attempt()
  })
}

/** @param {{ dir: string }} config */
async function createSender({ dir }) {
  const ring = new SharedMemoryIpc({ dir, name: 'events', maxEvents: SLOTS })
  const acks = await connect(ShmClient, { dir, name: 'acks', from: 'oldest' })
  let acknowledged = 0
  return {
    /** Sends threats[first % n] up to `last`, as fast as they are taken. */
    async sendAll(threats, first, last) {
      for (let i = first; i < last; i++) {
        ring.writeThreat(threats[i % threats.length])
        while (i - acknowledged >= WINDOW) {
          for (const ack of acks.poll()) {
            acknowledged = Number(ack.details)
          }
        }
      }
    },
    send: (threat) => ring.writeThreat(threat),
    async close() {
      await acks.close()
      await ring.close()
    }
  }
}

/** @param {{ dir: string, spinMicros?: number }} config */
async function createReceiver({ dir, spinMicros }, onThreat) {
  const acks = new SharedMemoryIpc({ dir, name: 'acks', maxEvents: 64 })
  const client = await connect(ShmClient, {
    dir,
    name: 'events',
    from: 'oldest',
    spinMicros
  })
  let received = 0
  const done = client.pollThreats((threat) => {
    onThreat(threat)
    received++
    if (received % ACK_EVERY === 0) {
      acks.writeThreat({
        threatType: 0,
        severity: 0,
        source: '',
        details: String(received)
      })
    }
  })
  return {
    lost: () => client.stats().lost,
    done,
    async close() {
      await client.close()
      await acks.close()
    }
  }
}

module.exports = { createSender, createReceiver }
