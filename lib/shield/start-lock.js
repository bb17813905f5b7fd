'use strict'
// One Shield starts at a time: each looks for others before it can be found
// itself, so two that did so at once would not find each other.

const { createHash } = require('node:crypto')
const { once } = require('node:events')
const net = require('node:net')
const { setTimeout: sleep } = require('node:timers/promises')

// A start takes milliseconds; what holds the lock for longer hangs, or is no
// Shield.
const PATIENCE_MS = 5000
const RETRY_MS = 10

/**
 * Waits until no other process starts with the same key. The lock is a socket's
 * name in the abstract namespace, which the kernel frees when its process ends,
 * however that happens.
 * @param {string} key
 * @param {AbortSignal} signal ends the waiting
 * @returns {Promise<(() => void) | null>} releases the lock; null when there is
 *   none: on other systems than Linux, or because it is held for too long
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
