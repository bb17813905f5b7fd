'use strict'
// Shared memory once more, where the package itself sees to it that nothing
// is lost: `overflow: 'reject'` and `reliable: true`, no acknowledgement.

const { SharedMemoryIpc, ShmClient } = require('../subject.js')

/** @param {{ dir: string, readers: number }} config */
async function createSender({ dir, readers }) {
  const ring = new SharedMemoryIpc({
    dir,
    name: 'events',
    maxEvents: 8192,
    overflow: 'reject'
  })
  const write = async (attempt) => {
    for (;;) {
      try {
        attempt()
        return
      } catch (error) {
        if (error.code !== 'ERR_RING_FULL') throw error
        await ring.writable()
      }
    }
  }
  return {
    async connected() {
      while (ring.stats().readers.length < readers) {
        await new Promise(setImmediate)
      }
    },
    async sendAll(stream, first, last) {
      for (let i = first; i < last; i++) {
        const threat = stream.at(i)
        try {
          ring.writeThreat(threat)
        } catch (error) {
          if (error.code !== 'ERR_RING_FULL') throw error
          await write(() => ring.writeThreat(threat))
        }
      }
    },
    async sendBatches(stream, first, last, size) {
      for (let i = first; i < last; i += size) {
        const batch = []
        for (let j = i; j < Math.min(i + size, last); j++) {
          batch.push(stream.at(j))
        }
        await write(() => ring.writeThreats(batch))
      }
    },
    send: (threat) => ring.writeThreat(threat),
    close: () => ring.close()
  }
}

/** @param {{ dir: string, mode: string }} config */
async function createReceiver({ dir, mode }, onThreat) {
  let client = null
  while (client === null) {
    try {
      client = new ShmClient({
        dir,
        name: 'events',
        from: 'oldest',
        reliable: true
      })
    } catch (error) {
      if (error.code !== 'ERR_NO_RING') throw error
      await new Promise((resolve) => {
        setTimeout(resolve, 10)
      })
    }
  }
  let done = new Promise(() => {})
  if (mode === 'batches') {
    client.on('threats', (batch) => batch.forEach(onThreat))
  } else {
    done = client.pollThreats(onThreat)
  }
  return { lost: () => client.stats().lost, done, close: () => client.close() }
}

module.exports = { createSender, createReceiver }
