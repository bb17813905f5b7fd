'use strict'
// One Shield starts at a time: each looks for others before it tells where it
// is, and two that did so at once would find nobody.

const { createHash } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')
const { setTimeout: sleep } = require('node:timers/promises')

// Whoever holds it for longer hangs, or is no Shield at all.
const PATIENCE_MS = 5000
const RETRY_MS = 10

/**
 * Waits until no other process starts with the same key. The turn is the name
 * of a socket without a file, which the kernel takes back when its process
 * ends, however that happens.
 * @param {string} key
 * @param {AbortSignal} signal ends the waiting
 * @returns {Promise<(() => void) | null>} ends the turn; null where it cannot
 *   be had: on other systems, or because somebody does not give it back
 */
async function acquireStartLock(key, signal) {
  if (process.platform !== 'linux') {
    return null
  }
  const user = process.geteuid()
  const hash = createHash('sha256').update(`${user}:${key}`).digest('hex')
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const server = net.createServer((socket) => socket.destroy())
    try {
      // Not shared with the other workers of a cluster.
      server.listen({ path: `\0kindly-guard-${hash}`, exclusive: true })
      await once(server, 'listening')
      return () => server.close()
    } catch (error) {
      const isTaken = error.code === 'EADDRINUSE'
      if (!isTaken || signal.aborted || performance.now() > end) {
        return null
      }
    }
    await sleep(RETRY_MS)
  }
}

module.exports = { acquireStartLock }
