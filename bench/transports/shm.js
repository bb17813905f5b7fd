'use strict'
// Shared memory: the product. Rings in the other direction carry the
// receivers' progress back, so that the sender never laps them and nothing is
// lost.

const { SharedMemoryIpc, ShmClient } = require('../subject.js')

const SLOTS = 8192
// Slots that may be under way, and how often progress is told.
const WINDOW = 6000
const ACKS_PER_WINDOW = 12
const SLOT_BYTES = 340

function connect(Type, options) {
  return new Promise((resolve, reject) => {
    const attempt = () => {
      try {
        resolve(new Type(options))
      } catch (error) {
        if (error.code !== 'ERR_NO_RING') {
          reject(error)
          return
        }
        setTimeout(attempt, 10)
      }
    }
    attempt()
  })
}

/** Events that may be under way: long ones take several slots. */
function windowOf(longest) {
  const slots = longest <= 256 ? 1 : 1 + Math.ceil(longest / SLOT_BYTES)
  return Math.floor(WINDOW / slots)
}

/** @param {{ dir: string, readers: number, longest: number }} config */
async function createSender({ dir, readers, longest, checksums = true }) {
  const ring = new SharedMemoryIpc({
    dir,
    name: 'events',
    maxEvents: SLOTS,
    enableChecksums: checksums
  })
  const window = windowOf(longest)
  const acks = []
  const taken = new Array(readers).fill(0)
  let acknowledged = 0
  const awaitRoom = (until) => {
    while (until - acknowledged > window) {
      acks.forEach((client, i) => {
        for (const ack of client.poll()) taken[i] = Number(ack.details)
      })
      acknowledged = Math.min(...taken)
    }
  }
  return {
    async connected() {
      for (let i = 0; i < readers; i++) {
        acks.push(
          await connect(ShmClient, { dir, name: `acks-${i}`, from: 'oldest' })
        )
      }
    },
    /** Sends what a stream has from `first` to `last`, as fast as it is taken. */
    async sendAll(stream, first, last) {
      for (let i = first; i < last; i++) {
        ring.writeThreat(stream.at(i))
        awaitRoom(i + 1)
      }
    },
    async sendBatches(stream, first, last, size) {
      for (let i = first; i < last; i += size) {
        const batch = []
        for (let j = i; j < Math.min(i + size, last); j++) {
          batch.push(stream.at(j))
        }
        ring.writeThreats(batch)
        awaitRoom(i + size)
      }
    },
    send: (threat) => ring.writeThreat(threat),
    async close() {
      for (const client of acks) await client.close()
      await ring.close()
    }
  }
}

/** @param {{ dir: string, longest: number, spinMicros?: number }} config */
async function createReceiver(config, onThreat) {
  const { dir, index, longest, mode, spinMicros, latency } = config
  const acks = new SharedMemoryIpc({
    dir,
    name: `acks-${index}`,
    maxEvents: 64
  })
  const client = await connect(ShmClient, {
    dir,
    name: 'events',
    from: 'oldest',
    spinMicros,
    latency
  })
  const every = Math.floor(windowOf(longest) / ACKS_PER_WINDOW)
  let received = 0
  const take = (threat) => {
    onThreat(threat)
    received++
    if (received % every === 0) {
      acks.writeThreat({
        threatType: 0,
        severity: 0,
        source: '',
        details: String(received)
      })
    }
  }
  let done = new Promise(() => {})
  let open = true
  if (mode === 'busy') {
    const look = () => {
      if (!open) return
      client.poll().forEach(take)
      setImmediate(look)
    }
    look()
  } else if (mode === 'batches') {
    client.on('threats', (batch) => batch.forEach(take))
  } else {
    done = client.pollThreats(take)
  }
  return {
    lost: () => client.stats().lost,
    done,
    async close() {
      open = false
      await client.close()
      await acks.close()
    }
  }
}

module.exports = { createSender, createReceiver }
