'use strict'
// IpcClient: a reader that uses the ring or the Shield's WebSocket, whichever
// is there, and moves between them without losing its place.

const { FailoverSource } = require('./failover.js')
const { findRing } = require('./locate-ring.js')
const { checkIpc } = require('../options/ipc.js')
const { locator, liveRecords } = require('../websocket/locate.js')
const { resolveAfter } = require('../stream/position-file.js')
const { sourceOf, ThreatStream } = require('../stream/threat-stream.js')

/** @param {FailoverSource} source @returns its part of ClientStats */
function describe(source) {
  const { lost, rescued, corrupt, bytes } = source.totals()
  const ring = source.ring?.ringStats()
  const { websocket } = source
  return {
    transport: source.transport,
    path: ring?.path ?? null,
    url: websocket?.url ?? null,
    socket: websocket?.path ?? null,
    generation: websocket?.streamGeneration ?? null,
    lost,
    rescued,
    corrupt,
    bytes,
    published: ring?.published ?? websocket?.published ?? 0,
    sequence: 0,
    priority: null,
    reliable: ring?.reliable ?? false,
    errors: { shm: source.ringError, websocket: source.socketError },
    error: null
  }
}

/**
 * Emits `threat`, `threats`, `lost`, `writer`, `transport`, `error` and
 * `close`. Made by IpcFactory.createClient.
 */
class IpcClient extends ThreatStream {
  /**
   * @param {import('../index').IpcOptions} [options]
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   * @throws {IpcError} ERR_SHM_UNAVAILABLE when WebSocket is switched off and
   *   shared memory cannot be had here
   */
  constructor(options) {
    const { reader, preferShm, websocket, location } = checkIpc(options)
    const { after, error } = resolveAfter(reader.after)
    const ring = { __proto__: null, ...location, ...reader, after }
    super(
      (host) => {
        const settings = {
          ring,
          useRing: preferShm,
          findRing: () => findRing(ring, () => liveRecords(location)),
          locate: websocket.enabled ? locator(location, websocket) : null,
          handshakeTimeoutMs: websocket.handshakeTimeoutMs,
          maxEventBytes: reader.maxEventBytes
        }
        return new FailoverSource(settings, host)
      },
      describe,
      reader.freeze,
      error
    )
    const { ringError } = sourceOf(this)
    if (!websocket.enabled && ringError?.code === 'ERR_SHM_UNAVAILABLE') {
      this.close()
      throw ringError
    }
  }

  /** Whether the events come through shared memory at present. */
  isShmActive() {
    return sourceOf(this).transport === 'shm'
  }

  /** @returns {import('../index').ClientStats} */
  stats() {
    const stats = super.stats()
    return this.closed ? { ...stats, writer: 'gone' } : stats
  }
}

module.exports = { IpcClient }
