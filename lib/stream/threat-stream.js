'use strict'
// One stream of threats as users see it: listeners, pollThreats, async
// iteration, poll, statistics. Where the threats come from is a source's
// business, how they are delivered that of delivery.js.

const { makeDisposable } = require('../base/disposable.js')
const { emitSafely } = require('../base/emit-safely.js')
const { IpcError, invalid, show } = require('../base/errors.js')
const { latencyStats, newLatency } = require('../base/latency.js')
const { define } = require('../base/own.js')
const { ScopedEmitter } = require('../base/scope.js')
const { checkFile, checkMax, checkSignal } = require('../options/arguments.js')
const { checkWatch } = require('../options/check.js')
const {
  BatchConsumer,
  IteratorConsumer,
  ListenerConsumer,
  PollConsumer
} = require('./consumers.js')
const { Delivery } = require('./delivery.js')
const { freeze } = require('./freeze.js')
const { PositionWriter } = require('./position-file.js')
const { StreamState } = require('./stream-state.js')
const { Watch } = require('./watch.js')

const DEFAULT_POLL = 256

// The events of an EventEmitter by which a stream learns who listens.
const OWN_EVENTS = ['newListener', 'removeListener']

/**
 * The source of a stream: for the clients that are streams, and for tests that
 * must see how far it came.
 * @type {(stream: ThreatStream) => object}
 */
let sourceOf

/**
 * A source provides
 *   take(max, threats)  appends what is there now, reports losses, and
 *                       returns true when there is more
 *   generation          16 hex digits, of what was appended last: all of one
 *                       call's is of one generation
 *   arm()               asks for wake() when more comes; true when it has.
 *                       Behind a take() that returned false, whatever that
 *                       has appended
 *   most                how many events can be there at once; undefined: no
 *                       more than it has taken in already
 *   hold(hold)          whether waiting holds the process open
 *   transport           what is used; undefined: shm
 *   reason              why that is, for the user; undefined where it cannot
 *                       be another
 *   position()          where that stands which take() has not appended yet, as
 *                       `{ generation, next, priority }`; null: not known
 *   writerState(fresh)  how the writer is; `fresh`: looks now
 *   priorityBehind({ generation, sequence })
 *                       the priority events up to that one, in front of one
 *                       that the last take() brought; null where unknown
 *   close()             frees what it has; a promise
 * and tells its host, a plain object that it is opened with,
 *   wake()              something may be there to take
 *   lost(loss)          events that will never come
 *   failed(error)       the stream is over
 *   checked()           the writer's state may have changed
 *   transport(change)   `{ from, to, reason }`
 *   isConsumed()        whether somebody takes what comes next
 *   latency             a histogram of nanoseconds
 */
class ThreatStream extends ScopedEmitter {
  #source
  #delivery
  #describe
  #latency = newLatency()
  #writer
  #state
  #watches = new Set()
  #error = null
  #early // what went wrong before this was made, and does not end it
  #positions = new PositionWriter()
  #closing = null

  static {
    sourceOf = (stream) => stream.#source
  }

  /**
   * @param {(host: object) => object} open makes the source
   * @param {(source: object) => object} describe what stats() tells of it,
   *   `error` among that, and what stands for a position that is not known
   * @param {boolean} [isFreezing] the option `freeze`
   * @param {Error | null} [early] a mishap that does not keep this from reading
   * @throws what `open` throws
   */
  constructor(open, describe, isFreezing = false, early = null) {
    super()
    this.#describe = describe
    this.#early = early
    this.#source = open({
      latency: this.#latency,
      // One that is being opened may call already.
      wake: () => this.#delivery?.wake(),
      lost: (loss) => this.#lose(isFreezing ? freeze(loss) : loss),
      failed: (error) => this.#fail(error),
      checked: () => this.#state?.refresh(false),
      transport: (change) => {
        this.#state?.refresh(false)
        emitSafely(this, 'transport', isFreezing ? freeze(change) : change)
      },
      isConsumed: () => this.#delivery?.isConsumed ?? false
    })
    this.#delivery = new Delivery(this.#source, isFreezing)
    this.#writer = this.#source.writerState(true)
    const stateWith = (writer) => ({
      transport: this.#source.transport ?? 'shm',
      writer,
      reason: this.#source.reason
    })
    this.#state = new StreamState(
      stateWith(this.#writer),
      (fresh) => stateWith(this.#checkWriter(fresh)),
      (state) => this.#tellState(state)
    )
    const listeners = {
      threat: new ListenerConsumer(this),
      threats: new BatchConsumer(this, isFreezing)
    }
    this.on('newListener', (event) => {
      if (Object.hasOwn(listeners, event)) {
        this.#delivery.add(listeners[event])
      }
    })
    this.on('removeListener', (event) => {
      if (Object.hasOwn(listeners, event) && this.listenerCount(event) === 0) {
        this.#delivery.remove(listeners[event])
      }
    })
    if (early !== null) {
      // From a turn of its own: who has made this has no listener yet.
      setImmediate(() => !this.closed && this.#tellError(early))
    }
  }

  /** Whether close() was called. */
  get closed() {
    return this.#closing !== null
  }

  /** The transport and the Shield as they are now. */
  get state() {
    return this.#state.refresh(true)
  }

  /** What every client tells, and what `describe` says of the source. */
  stats() {
    const described = this.#describe(this.#source)
    return {
      ...described,
      // Taken from the source is not delivered.
      received: this.#delivery.received,
      ...this.#position(),
      latency: latencyStats(this.#latency),
      writer: this.closed ? this.#writer : this.#checkWriter(true),
      error: this.#error ?? described.error ?? this.#early
    }
  }

  /**
   * Writes where this stands into a file, for the `after` of the next client:
   * behind the last threat that was delivered, also inside of a callback. A
   * crash leaves the old file or the new one. Works behind close(), too.
   * @param {string} file made with mode 0600, and the folders that it is in
   * @returns {boolean} false: there is no position yet, and the file stays as it
   *   was
   * @throws {TypeError} ERR_INVALID_ARGUMENT
   * @throws {IpcError} ERR_ACCESS, ERR_READ_ONLY, ERR_NO_SPACE, ERR_UNSAFE_PATH,
   *   ERR_TOO_MANY_FILES, ERR_SYSTEM
   */
  savePosition(file) {
    const checked = checkFile(file)
    const position = this.#position()
    if (position !== null) {
      this.#positions.write(checked, position)
    }
    return position !== null
  }

  /** Open, and somebody alive is at the other end. */
  isHealthy() {
    return !this.closed && this.#checkWriter(true) === 'live'
  }

  /**
   * Up to `max` threats that are there now; never waits. Other consumers of
   * this client get them too. Inside one of their callbacks there is nothing
   * to take: the order of events is theirs.
   * @param {number} [max] from 1, default 256
   * @returns {import('../index').Threat[]} in order; empty when nothing is new
   * @throws {TypeError | RangeError} ERR_INVALID_ARGUMENT
   * @throws {IpcError} ERR_CLOSED
   */
  poll(max = DEFAULT_POLL) {
    this.#mustBeOpen()
    checkMax(max)
    return this.#delivery.poll(max)
  }

  /**
   * Calls back for every threat until the callback returns (a promise of)
   * `false`, the signal aborts or the client is closed. A returned promise is
   * awaited before the next call.
   * @param {(threat: import('../index').Threat) => unknown} callback
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>} rejects with what the callback threw, or with
   *   the error that ended the stream
   */
  async pollThreats(callback, options = {}) {
    if (typeof callback !== 'function') {
      throw invalid(
        TypeError,
        'ERR_INVALID_ARGUMENT',
        `callback: expected a function, got ${show(callback)}`
      )
    }
    const signal = checkSignal(options)
    this.#mustBeOpen()
    if (signal?.aborted) {
      return
    }
    const delivery = this.#delivery
    let stop
    try {
      await new Promise((resolve, reject) => {
        const consumer = new PollConsumer(delivery, callback, resolve, reject)
        stop = () => delivery.remove(consumer)
        signal?.addEventListener('abort', stop, { once: true })
        delivery.add(consumer)
      })
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /** @returns {AsyncIterableIterator<import('../index').Threat>} */
  [Symbol.asyncIterator]() {
    this.#mustBeOpen()
    const consumer = new IteratorConsumer(this.#delivery)
    this.#delivery.add(consumer)
    return consumer
  }

  /**
   * A summary for something that shows it: counts, and the newest threats.
   * @param {import('../index').WatchOptions} [options]
   * @returns {Watch}
   * @throws {TypeError | RangeError} ERR_INVALID_OPTION
   * @throws {IpcError} ERR_CLOSED
   */
  watch(options) {
    const checked = checkWatch(options)
    this.#mustBeOpen()
    const watch = new Watch(this.#delivery, checked, {
      stateOf: () => this.state,
      ended: () => this.#watches.delete(watch)
    })
    this.#watches.add(watch)
    return watch
  }

  /**
   * Without a name it removes the listeners of every event, and spares those
   * by which this object learns who listens.
   */
  removeAllListeners(...names) {
    const events = this.eventNames().filter(
      (name) => !OWN_EVENTS.includes(name)
    )
    for (const name of names.length > 0 ? names : events) {
      super.removeAllListeners(name)
    }
    return this
  }

  /**
   * Ends every consumer and frees the transport.
   * @returns {Promise<void>} resolves when everything is freed
   */
  close() {
    if (this.#closing === null) {
      let closed
      this.#closing = new Promise((resolve) => {
        closed = resolve
      })
      this.#delivery.close()
      this.#checkWriter(true)
      this.#state.close()
      this.#source.close().then(() => {
        closed()
        emitSafely(this, 'close')
      })
    }
    return this.#closing
  }

  /** @returns {import('../index').Position | null} */
  #position() {
    const position = this.#delivery.position
    if (position !== undefined) {
      return { ...position, priority: this.#source.priorityBehind(position) }
    }
    const place = this.#source.position()
    return (
      place && {
        generation: place.generation,
        sequence: place.next - 1,
        priority: place.priority ?? null
      }
    )
  }

  #mustBeOpen() {
    if (this.closed) {
      throw new IpcError('ERR_CLOSED')
    }
  }

  #lose(loss) {
    for (const watch of this.#watches) {
      watch.lost(loss)
    }
    emitSafely(this, 'lost', loss)
  }

  #tellState(state) {
    for (const watch of this.#watches) {
      watch.changed()
    }
    emitSafely(this, 'state', state)
  }

  /** Reports an error that belongs to no call, and ends who waits. */
  #fail(error) {
    this.#error = error
    this.#delivery?.fail(error)
    for (const watch of this.#watches) {
      watch.failed(error)
    }
    this.#tellError(error)
  }

  #tellError(error) {
    if (this.listenerCount('error') > 0) {
      emitSafely(this, 'error', error)
    }
  }

  /** Tells the writer's state, and reports it when it changed. */
  #checkWriter(fresh) {
    const state = this.#source.writerState(fresh)
    if (state !== this.#writer) {
      this.#writer = state
      // From a turn of its own: stats() must not run listeners.
      setImmediate(() => {
        if (!this.closed) {
          this.emit('writer', state)
        }
      })
    }
    return state
  }
}

makeDisposable(ThreatStream)
// A promise asks everything for a `then`, and would take one that was given to
// all objects for a client's.
define(ThreatStream.prototype, 'then', undefined, false)

module.exports = { sourceOf, ThreatStream }
