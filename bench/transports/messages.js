'use strict'
// What the peers have in common: a threat as the Shield's WebSocket has it, in
// JSON, and batches of them.

/** What a receiver of JSON gets, with what the ring would add. */
function makeNumbering() {
  let sequence = 0
  return (threat) => {
    sequence++
    return {
      sequence,
      id: `bench-${sequence}`,
      timestampUs: Date.now() * 1000,
      ...threat
    }
  }
}

/**
 * The sender of a peer, from the one thing that they differ in.
 * @param {(list: object[]) => unknown} put sends a list; a promise is awaited
 * @param {() => unknown} settle waits while too much is buffered; asked rarely
 */
function peerSender(put, settle, close) {
  const number = makeNumbering()
  return {
    async sendAll(stream, first, last) {
      for (let i = first; i < last; i++) {
        const sent = put([number(stream.at(i))])
        if (sent !== undefined) await sent
        if (i % 64 === 0) await settle()
      }
    },
    async sendBatches(stream, first, last, size) {
      for (let i = first; i < last; i += size) {
        const batch = []
        for (let j = i; j < Math.min(i + size, last); j++) {
          batch.push(number(stream.at(j)))
        }
        const sent = put(batch)
        if (sent !== undefined) await sent
        await settle()
      }
    },
    send: (threat) => put([number(threat)]),
    close
  }
}

/** A loop that never sleeps, for a receiver that is called from it. */
function spinLoop() {
  let open = true
  const turn = () => {
    if (open) setImmediate(turn)
  }
  turn()
  return () => {
    open = false
  }
}

/**
 * The receiver of a peer.
 * @param {string} mode 'busy': with an event loop that never sleeps
 * @param {Promise<void>} done when nothing more comes
 * @param {() => unknown} end ends it; a promise is awaited
 */
function peerReceiver(mode, done, end) {
  const stop = mode === 'busy' ? spinLoop() : () => {}
  return {
    lost: () => 0,
    done,
    async close() {
      stop()
      await end()
    }
  }
}

module.exports = { peerReceiver, peerSender }
