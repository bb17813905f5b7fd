'use strict'
// A Shield's WebSocket server as the source of a stream: takes its messages in
// order, believes none that does not go on where the stream stands, and asks
// for the rest when the line was lost.

const { bootId } = require('../../base/boot-id.js')
const { IpcError } = require('../../base/errors.js')
const { recordLatency, SAMPLES_PER_READ } = require('../../base/latency.js')
const { ThreatQueue } = require('./queue.js')
const { throwUncaught } = require('../../base/emit-safely.js')
const { WebSocketLine } = require('./reconnecting-socket.js')
const {
  parseMessage,
  ProtocolError,
  STATUS_COMMAND,
  subscribeMessage
} = require('../protocol.js')

// A server that has not even sent a heartbeat for so many of them is dead.
const SILENT_HEARTBEATS = 2.5

// What no heartbeat and no latency exceeds: more is not believed.
const MAX_HEARTBEAT_MS = 3_600_000
const MAX_LATENCY_NS = 3_600_000_000_000

/**
 * What the source tells its host: wake(), lost(loss) and `latency` as
 * RingSource does, and
 *   connected(status)    a server has proved itself and says where it is
 *   disconnected(error)  it is gone, or could not be reached
 */
class WebSocketSource {
  /**
   * @param {() => object} locate see WebSocketLine
   * @param {object} host see above
   * @param {{ from?: 'latest' | 'oldest' | number, handshakeTimeoutMs: number,
   *   position?: { generation: string, next: number } | null,
   *   progress: import('../../stream/positions.js').Progress, standBy?: boolean }} options
   *   `progress`: how far the host came, by whatever way; `standBy`: connects,
   *   and subscribes only when it is told where from
   */
  constructor(locate, host, options) {
    this._host = host
    this._patience = options.handshakeTimeoutMs
    this._line = new WebSocketLine(locate, this, options.handshakeTimeoutMs)
    this._from = options.from ?? 'latest'
    this._position = options.position ?? null
    this._progress = options.progress
    this._subscribing = !options.standBy
    this._queue = new ThreatQueue()
    this._armed = false
    this._turn = null // the immediate that ends the turn of the last wake
    this._holding = false
    this._paused = false
    // What must come next: in a stream, or where it is to go on.
    this._generation = null
    this._expected = 0 // 0: anything
    this._isStreaming = false
    this._isBeginning = false // nothing of the stream came yet
    // Up to here it may lie before the oldest, which was asked for; 0 when
    // something of a stream came.
    this._before = 0
    this._answered = false
    this._heartbeatMs = 0
    this._boot = bootId()
    this._sameBoot = false
    /** Whether the server's Shield has a ring, too, and of which generation. */
    this.hasRing = true
    this.shieldGeneration = null
    this.published = 0 // the last sequence that the server told of
    this._totals = { received: 0, lost: 0, corrupt: 0, bytes: 0 }
    this._line.connect()
  }

  get url() {
    return this._line.url
  }

  /** Whether a server is there that has proved itself and answered. */
  get connected() {
    return this._answered
  }

  /** 16 hex digits: what the server sends at present, or null. */
  get streamGeneration() {
    return this._generation
  }

  /** Whether so much waits here that nothing more is taken in. */
  get isFull() {
    return this._paused
  }

  /** The last sequence that came, taken or not. */
  get arrived() {
    return Math.max(0, this._expected - 1)
  }

  /** Whether everything that came was taken. */
  get isEmpty() {
    return this._queue.isEmpty
  }

  /**
   * @param {number} max
   * @param {import('../../index').Threat[]} threats gets them appended
   * @returns {boolean} whether there is more
   */
  take(max, threats) {
    const queue = this._queue
    while (!queue.isEmpty && threats.length < max) {
      const { threat, loss, generation, next } = queue.peek()
      if (threat !== undefined) {
        queue.shift()
        threats.push(threat)
        this._passed(generation, threat.sequence + 1)
        continue
      }
      // What came before a gap stands before it.
      if (threats.length > 0) {
        break
      }
      queue.shift()
      if (next !== null) {
        this._passed(generation, next)
      }
      if (loss !== null) {
        this._countLoss(loss)
        this._host.lost(loss)
        break
      }
    }
    this._totals.received += threats.length
    this._resumeIfRoom()
    return !this.isEmpty
  }

  /** Asks for `_wake()` when more comes; true when it has. */
  arm() {
    this._armed = true
    return !this.isEmpty
  }

  /** Whether waiting holds the process open. */
  hold(hold) {
    this._holding = hold
    this._line.hold(hold)
  }

  /** Where the cursor stands, or null while that is not known. */
  position() {
    return this._position
  }

  /** There is a reason to try again before it is time to. */
  hurry() {
    this._line.hurry()
  }

  /** Ends the waiting of `standBy`: subscribes from a position. */
  begin(position) {
    this._position = position
    this._subscribing = true
    if (this._line.isOpen) {
      this._subscribe()
    }
  }

  /** Takes in nothing more; what is in the queue can still be taken. */
  cut() {
    this._answered = false
    this._line.close()
  }

  totals() {
    return { ...this._totals }
  }

  close() {
    this.cut()
    return Promise.resolve()
  }

  // --- The queue -----------------------------------------------------------

  _passed(generation, next) {
    this._position = { generation, next }
    this._progress.note(generation, next)
  }

  _countLoss({ count, reason }) {
    if (reason !== 'before-join') {
      this._totals.lost += count ?? 0
    }
    if (reason === 'corrupt') {
      this._totals.corrupt++
    }
  }

  _push(item, bytes) {
    if (item.loss === null && this.isEmpty) {
      // Nobody needs to be there to stand somewhere else.
      this._passed(item.generation, item.next)
      return
    }
    this._queue.push(item, bytes)
    if (this._queue.isFull && !this._paused) {
      this._paused = true
      this._line.pause()
    }
  }

  /** Where the cursor will stand when everything was taken. */
  _end() {
    return this._queue.end() ?? this._position
  }

  /** How far everything comes that was received of a generation. */
  _reached(generation) {
    return this._queue.end(generation)?.next ?? this._progress.next(generation)
  }

  /** Wakes the host, once in a turn of the event loop: each wake has a budget
   * of its own, and a flood of messages must leave the loop its turns. */
  _tell() {
    if (!this._armed || this._turn !== null) {
      return
    }
    this._armed = false
    this._turn = setImmediate(() => {
      this._turn = null
      if (!this.isEmpty) {
        this._tell()
      }
    })
    if (!this._holding) {
      this._turn.unref()
    }
    try {
      this._host.wake()
    } catch (error) {
      // A listener's mistake: out of the middle of a message of ws.
      throwUncaught(error)
    }
  }

  _resumeIfRoom() {
    if (!this._paused || !this._queue.hasRoom) {
      return
    }
    this._paused = false
    this._line.resume()
    this._watch()
  }

  // --- What WebSocketLine tells ---------------------------------------------

  opened() {
    this._isStreaming = false
    if (this._subscribing) {
      this._subscribe()
    } else {
      this._line.send(STATUS_COMMAND)
    }
    this._watch()
  }

  failed(error) {
    this._answered = false
    if (
      this._from === 'latest' &&
      this._position === null &&
      error.isAbsent &&
      // What stands before a Shield, such as a tunnel, says nothing of it.
      !this._line.isGiven
    ) {
      // Whatever comes from a Shield that was not there yet is new.
      this._from = 'start'
    }
    this._host.disconnected(error)
  }

  alive() {
    this._watch()
  }

  _watch() {
    this._line.watch(
      this._answered ? this._heartbeatMs * SILENT_HEARTBEATS : this._patience
    )
  }

  _subscribe() {
    // What is in the queue was received: it goes on behind that.
    const position = this._end()
    this._generation = position?.generation ?? null
    this._expected = position?.next ?? 0
    this._isStreaming = false
    this._line.send(
      position === null
        ? subscribeMessage(this._from)
        : subscribeMessage(position.next, position.generation)
    )
  }

  // --- Messages ------------------------------------------------------------

  message(data, isBinary) {
    let value
    try {
      value = parseMessage(data, isBinary)
      this._totals.bytes += data.length
      this._accept(value, data.length)
    } catch (error) {
      if (!(error instanceof ProtocolError)) {
        throw error
      }
      this._line.fail(new IpcError('ERR_WEBSOCKET_REFUSED', error.message))
    }
  }

  _accept(value, bytes) {
    if (value.type === 'status') {
      this._acceptStatus(value)
    } else if (value.type === 'threat') {
      this._acceptThreats(value, bytes)
    } else if (value.type === 'lost') {
      this._acceptLoss(value)
    } else if (value.type === 'heartbeat') {
      this.published = value.sequence
      this._line.settle()
    }
    // An `error` is the reason of the close that follows, or of none.
    this._watch()
  }

  _acceptStatus(status) {
    const { generation, next, heartbeatMs, boot } = status
    if (next !== undefined && this._expected === 0 && this._from === 'oldest') {
      this._before = status.sequence
    }
    if (next !== undefined && !this._beginStream(generation, next)) {
      return
    }
    this._answered = true
    this.published = status.sequence
    this.hasRing = status.shm
    this.shieldGeneration = generation
    this._heartbeatMs = heartbeatMs <= MAX_HEARTBEAT_MS ? heartbeatMs : 0
    this._sameBoot = boot !== null && boot === this._boot
    this._host.connected(status)
    this._tell()
  }

  /** The stream begins, or goes on in another generation; false when it has
   * to be asked for anew, from where we stand in that one. */
  _beginStream(generation, next) {
    if (this._expected !== 0) {
      if (generation === this._generation) {
        // Where it was, and nowhere else.
        this._expect(generation, next)
      } else {
        const reached = this._reached(generation)
        if (reached !== undefined && reached !== next) {
          this._push({ loss: null, generation, next: reached })
          this._line.again()
          return false
        }
      }
    }
    this._generation = generation
    this._expected = next
    this._isStreaming = true
    this._isBeginning = true
    // In its turn, so that the position is right at any time.
    this._push({ loss: null, generation, next })
    return true
  }

  _expect(generation, sequence) {
    if (generation !== this._generation || sequence !== this._expected) {
      throw new ProtocolError(
        `sequence ${sequence} of ${generation} came where ` +
          `${this._expected} of ${this._generation} belongs`
      )
    }
  }

  _acceptThreats({ generation, threats, publishedNs }, bytes) {
    this._line.settle()
    for (const threat of threats) {
      this._expectInStream(generation, threat.sequence)
      this._isBeginning = false
      this._before = 0
      this._expected++
      this._push({ generation, threat }, bytes / threats.length)
    }
    this.published = Math.max(this.published, this._expected - 1)
    this._recordLatency(publishedNs)
    this._tell()
  }

  _expectInStream(generation, sequence) {
    this._expect(generation, sequence)
    if (!this._isStreaming) {
      throw new ProtocolError(`sequence ${sequence} came before a status`)
    }
  }

  _recordLatency(publishedNs) {
    if (!this._sameBoot) {
      return
    }
    const now = Number(process.hrtime.bigint())
    const step = Math.ceil(publishedNs.length / SAMPLES_PER_READ)
    for (let i = 0; i < publishedNs.length; i += step) {
      const latency = now - publishedNs[i]
      if (publishedNs[i] !== null && latency < MAX_LATENCY_NS) {
        recordLatency(this._host.latency, latency)
      }
    }
  }

  _acceptLoss({ generation, from, to, reason }) {
    const next = to === null ? null : to + 1
    if (reason === 'replaced') {
      // The rest of the generation that it was in; another one follows.
      this._expect(generation, from ?? this._expected)
      this._isStreaming = false
    } else {
      this._expectInStream(generation, from)
      if (reason === 'before-join' && !this._isBeginning) {
        throw new ProtocolError('before-join comes first or not at all')
      }
    }
    // The line was lost between the place to begin and this: a server that is
    // asked to go on from there knows nothing of a beginning. What was published
    // since is lost like any other.
    const last = reason === 'overwritten' ? Math.min(this._before, to) : 0
    const isBefore = from !== null && from <= last
    this._isBeginning = false
    this._before = 0
    this._expected = next ?? this._expected
    if (isBefore) {
      this._pushLoss(generation, from, last, 'before-join')
    }
    if (!isBefore || last < to) {
      const first = isBefore ? last + 1 : from
      this._pushLoss(generation, first, to, reason)
    }
    this._tell()
  }

  /** `from` and `to` are null where nobody knows how many. */
  _pushLoss(generation, from, to, reason) {
    const count = to === null ? null : to - from + 1
    const next = to === null ? null : to + 1
    const loss = { count, from, to, generation, reason }
    this._push({ loss, generation, next })
  }
}

module.exports = { WebSocketSource }
