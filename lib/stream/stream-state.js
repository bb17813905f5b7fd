'use strict'
// What a client's transport and its Shield are, as one value that changes as a
// whole: two events for one change would show a state in between that never was.

const REASONS = {
  stalled:
    'the Shield holds its lock, but its heartbeat is late: it is stopped, or ' +
    'its machine is overloaded',
  gone: 'the Shield has ended; it is found again when it comes back',
  back: 'the Shield is there'
}

/** Of a client that is closed. */
const CLOSED = Object.freeze({
  transport: 'closed',
  writer: 'gone',
  since: null,
  reason: 'close() was called'
})

/** While there is nothing, what is missing may become another thing. */
const isOther = (a, b) =>
  a.transport !== b?.transport ||
  a.writer !== b.writer ||
  (a.transport === 'connecting' && a.reason !== b.reason)

/**
 * How things are; the reason is that of the transport.
 * @typedef {{ transport: string, writer: string, reason?: string }} Found
 */

class StreamState {
  #look
  #tell
  #current = null
  #told = null
  #isScheduled = false
  #isClosed = false

  /**
   * @param {Found} first how things are now
   * @param {(fresh: boolean) => Found} look how they are then, looking anew if
   *   `fresh`
   * @param {(state: object) => void} tell it is another one than the last that
   *   was told
   */
  constructor(first, look, tell) {
    this.#look = look
    this.#tell = tell
    this.#told = this.#current = this.#stateOf(first)
  }

  /**
   * @param {boolean} fresh whether to look now
   * @returns {Readonly<import('../index').ClientState>}
   */
  refresh(fresh) {
    if (this.#isClosed) {
      return CLOSED
    }
    const state = this.#stateOf(this.#look(fresh))
    if (state !== this.#current) {
      this.#current = state
      this.#schedule()
    }
    return state
  }

  /** The present state, unless it is another one now. */
  #stateOf({ transport, writer, reason = 'the ring is there' }) {
    const current = this.#current
    if (!isOther({ transport, writer, reason }, current)) {
      return current
    }
    const isTransport = transport === current?.transport
    const isMissing = transport === 'connecting'
    const ofWriter = isMissing ? undefined : REASONS[writer]
    const ofTransport = isTransport && !isMissing ? REASONS.back : reason
    return Object.freeze({
      transport,
      writer,
      since: isTransport && isMissing ? current.since : Date.now(),
      reason: ofWriter ?? ofTransport
    })
  }

  close() {
    this.#isClosed = true
  }

  /** From a turn of its own: a listener may do anything, and what changes until
   * then is one change. */
  #schedule() {
    if (this.#isScheduled) {
      return
    }
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const state = this.refresh(false)
      if (!this.#isClosed && isOther(state, this.#told)) {
        this.#told = state
        this.#tell(state)
      }
    })
  }
}

module.exports = { StreamState }
