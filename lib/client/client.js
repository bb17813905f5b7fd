'use strict'
// IpcClient: a reader that uses the ring or the Shield's WebSocket, whichever
// is there, and moves between them without losing its place.

const { FailoverSource } = require('./failover.js')
const { latencyStats, newLatency } = require('../base/latency.js')
const { checkIpc } = require('../options/ipc.js')
const { finder, liveRecords } = require('../websocket/locate.js')
const { ThreatStream } = require('../stream/threat-stream.js')

/**
 * Emits `threat`, `lost`, `writer`, `transport`, `error` and `close`. Made by
 * IpcFactory.createClient.
 */
class IpcClient extends ThreatStream {
  /**
   * @param {import('../index').IpcOptions} [options]
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   * @throws {IpcError} ERR_SHM_UNAVAILABLE when WebSocket is switched off and
   *   shared memory cannot be had here
   */
  constructor(options) {
    super()
    const { reader, preferShm, websocket, location } = checkIpc(options)
    this.latency = newLatency()
    this._writer = 'gone'
    this._source = null
    this._source = new FailoverSource(
      {
        ring: { ...location, ...reader },
        useRing: preferShm,
        findDirs: () =>
          liveRecords(location)
            .map(({ dir }) => dir)
            .filter((dir) => dir !== null),
        locate: websocket.enabled ? finder(location, websocket) : null,
        handshakeTimeoutMs: websocket.handshakeTimeoutMs
      },
      this._host({
        checked: () => this._checked(),
        transport: (change) => this._report('transport', change)
      })
    )
    this._writer = this._source.writerState(true)
    const { ringError } = this._source
    if (!websocket.enabled && ringError?.code === 'ERR_SHM_UNAVAILABLE') {
      this.close()
      throw ringError
    }
  }

  /** Whether the events come through shared memory at present. */
  isShmActive() {
    return !this.closed && this._source.transport === 'shm'
  }

  /** @returns {import('../index').ClientStats} */
  stats() {
    const source = this._source
    const { lost, corrupt, bytes } = source.totals()
    const ring = source.ring?.ringStats()
    const taken = source.position()
    // Taken from the source is not delivered.
    const { received, position } = this._delivered()
    return {
      transport: this.closed ? 'connecting' : source.transport,
      path: ring?.path ?? null,
      url: source.websocket?.url ?? null,
      generation:
        position?.generation ??
        taken?.generation ??
        source.websocket?.streamGeneration ??
        null,
      received,
      lost,
      corrupt,
      bytes,
      published: ring?.published ?? source.websocket?.published ?? 0,
      sequence: position?.sequence ?? (taken?.next ?? 1) - 1,
      reliable: ring?.reliable ?? false,
      latency: latencyStats(this.latency),
      writer: this.closed ? this._writer : this._look(),
      errors: { shm: source.ringError, websocket: source.socketError },
      error: this._lastError
    }
  }

  /** Open, and somebody alive is at the other end. */
  isHealthy() {
    return !this.closed && this._look() === 'live'
  }

  // --- ThreatStream --------------------------------------------------------

  _take(max, threats) {
    return this._source.take(max, threats)
  }

  _generation() {
    return this._source.generation
  }

  _arm() {
    return this._source.arm()
  }

  _hold(hold) {
    this._source.hold(hold)
  }

  _release() {
    this._writer = 'gone'
    return this._source?.close()
  }

  _checked() {
    if (this._source !== null && !this.closed) {
      this._look(false)
    }
  }

  // -------------------------------------------------------------------------

  /** Tells the writer's state and reports when it changed. */
  _look(fresh = true) {
    const state = this._source.writerState(fresh)
    if (state !== this._writer) {
      this._writer = state
      setImmediate(() => {
        if (!this.closed) {
          this.emit('writer', state)
        }
      })
    }
    return state
  }
}

module.exports = { IpcClient }
