'use strict'
// One stream of threats and whoever consumes it: listeners, pollThreats and
// async iteration. All of them share one cursor and each gets every event;
// the cursor moves only while somebody consumes. Where the threats come from
// is a subclass's business.

const { EventEmitter } = require('node:events')
const { checkMax, checkSignal } = require('../options/arguments.js')
const {
  BatchConsumer,
  ListenerConsumer,
  PollConsumer,
  IteratorConsumer
} = require('./consumers.js')
const { IpcError, invalid, show } = require('../base/errors.js')
const { emitSafely, throwUncaught } = require('../base/emit-safely.js')

// A drain yields to the event loop after so many events or milliseconds, so
// that a flood never freezes an editor.
const DRAIN_EVENTS = 1024
const DRAIN_MILLISECONDS = 8
// Looking at the clock costs a tenth of what an event does.
const EVENTS_PER_CLOCK = 8
// How often poll() looks again when a look brought nothing but promises more:
// what stands in the ring must not be able to hold it up.
const EMPTY_TAKES = 8
const DEFAULT_POLL = 256

/**
 * A subclass provides
 *   _take(max, threats)  appends what is there now, reports losses, and
 *                        returns true when there is more
 *   _generation()        16 hex digits, of what was appended last: all of one
 *                        call's is of one generation
 *   _arm()               asks for _wake() when more comes; true when it has
 *   _hold(hold)          whether waiting holds the process open
 *   _release()           frees what it has; a promise or nothing
 */
class ThreatStream extends EventEmitter {
  constructor() {
    super()
    this._consumers = new Set()
    this._audience = [] // the same, replaced whenever it changes
    // What listens to each event: these stay until nobody listens any more.
    this._listeners = new Map([
      ['threat', new ListenerConsumer(this)],
      ['threats', new BatchConsumer(this)]
    ])
    this._batch = []
    this._index = 0
    this._more = false
    this._taken = null // the generation of what was taken last
    this._earlier = new WeakMap() // threat -> generation, where it is another
    this._received = 0
    this._left = DRAIN_EVENTS // of this turn's budget
    this._until = 0 // when it is over; 0 until the clock was looked at
    this._draining = false
    this._delivering = false
    this._busy = false // a consumer's promise is awaited
    this._scheduled = false
    this._closing = null
    this._lastError = null
    this.on('newListener', (event) => {
      if (this._listeners.has(event)) {
        this._add(this._listeners.get(event))
      }
    })
    this.on('removeListener', (event) => {
      if (this._listeners.has(event) && this.listenerCount(event) === 0) {
        this._remove(this._listeners.get(event))
      }
    })
  }

  /** Whether close() was called. */
  get closed() {
    return this._closing !== null
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
    this._mustBeOpen()
    checkMax(max)
    const threats = []
    let empty = 0
    while (
      threats.length < max &&
      !this._busy &&
      !this._delivering &&
      !this.closed
    ) {
      if (this._index === this._batch.length) {
        if (!this._refill() && (!this._more || ++empty === EMPTY_TAKES)) {
          break
        }
        // A listener of `lost` may have closed this, or polled itself.
        continue
      }
      const threat = this._batch[this._index++]
      threats.push(threat)
      try {
        this._deliver(threat, false)
      } catch (error) {
        // A listener's mistake must not cost the caller what it polled.
        throwUncaught(error)
      }
    }
    this._flush()
    return threats
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
    this._mustBeOpen()
    if (signal?.aborted) {
      return
    }
    let stop
    try {
      await new Promise((resolve, reject) => {
        const consumer = new PollConsumer(this, callback, resolve, reject)
        stop = () => this._remove(consumer)
        signal?.addEventListener('abort', stop, { once: true })
        this._add(consumer)
      })
    } finally {
      signal?.removeEventListener('abort', stop)
    }
  }

  /** @returns {AsyncIterableIterator<import('../index').Threat>} */
  [Symbol.asyncIterator]() {
    this._mustBeOpen()
    const consumer = new IteratorConsumer(this)
    this._add(consumer)
    return consumer
  }

  /**
   * Without a name it removes the listeners of every event, and spares those
   * by which this object learns who listens.
   */
  removeAllListeners(...names) {
    const own = ['newListener', 'removeListener']
    const events = this.eventNames().filter((name) => !own.includes(name))
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
    if (this._closing === null) {
      let closed
      this._closing = new Promise((resolve) => {
        closed = resolve
      })
      this._endConsumers()
      Promise.resolve(this._release()).then(() => {
        closed()
        this._report('close')
      })
    }
    return this._closing
  }

  // --- For subclasses ------------------------------------------------------

  _mustBeOpen() {
    if (this.closed) {
      throw new IpcError('ERR_CLOSED')
    }
  }

  /**
   * What was delivered so far, as stats() tells it: what an iterator took in
   * advance is not.
   * @returns {{ received: number, position: { generation: string,
   *   sequence: number } | null }} `position`: in front of what was taken from
   *   the source and comes next; null when everything was delivered
   */
  _delivered() {
    const waiting = this._inAdvance()
    const next = waiting[0] ?? this._batch[this._index]
    return {
      received: this._received - waiting.length,
      position:
        next === undefined
          ? null
          : {
              generation: this._earlier.get(next) ?? this._taken,
              sequence: next.sequence - 1
            }
    }
  }

  /** What iterators took, and nobody from them: of one, since what is delivered
   * to two is shared. */
  _inAdvance() {
    return this._audience.flatMap((consumer) =>
      consumer instanceof IteratorConsumer ? consumer.untaken() : []
    )
  }

  /**
   * Emits from the middle of the account: what a listener throws is an
   * uncaught exception, and the account goes on.
   */
  _report(event, value) {
    if (event === 'lost') {
      // In the middle of a look: its listeners may ask for stats().
      this._noteGeneration()
    }
    emitSafely(this, event, value)
  }

  /** What a source is given, to tell this stream what happens to it. */
  _host(more) {
    return {
      latency: this.latency,
      wake: () => this._wake(),
      lost: (loss) => this._report('lost', loss),
      failed: (error) => this._fail(error),
      isConsumed: () => this._consumers.size > 0,
      ...more
    }
  }

  /** Something may be there to take. To be called from the event loop. */
  _wake() {
    this._left = DRAIN_EVENTS
    this._until = 0
    this._drain()
  }

  /** Reports an error that belongs to no call, and ends the consumers. */
  _fail(error) {
    this._lastError = error
    this._endConsumers(error)
    if (this.listenerCount('error') > 0) {
      this._report('error', error)
    }
  }

  // --- Consumers -----------------------------------------------------------

  _add(consumer) {
    if (this.closed || this._consumers.has(consumer)) {
      return
    }
    this._consumers.add(consumer)
    try {
      this._consumersChanged()
    } catch (error) {
      this._consumers.delete(consumer)
      this._audience = [...this._consumers]
      throw error
    }
    // From a turn of its own: nobody is called before the call that
    // subscribed has returned.
    this._schedule()
  }

  _remove(consumer, error) {
    if (!this._consumers.delete(consumer)) {
      return
    }
    if (consumer instanceof IteratorConsumer) {
      // What it took in advance, and nobody else got, belongs to the next one.
      const rest = consumer.giveBack()
      if (rest.length > 0) {
        this._batch = rest.concat(this._batch.slice(this._index))
        this._index = 0
        this._received -= rest.length
        this._schedule()
      }
    }
    consumer.end(error)
    this._consumersChanged()
  }

  _endConsumers(error) {
    for (const consumer of [...this._consumers]) {
      const listens = [...this._listeners.values()].includes(consumer)
      if (!listens || this.closed) {
        this._remove(consumer, error)
      }
    }
  }

  _consumersChanged() {
    this._audience = [...this._consumers]
    this._hold(this._audience.some((consumer) => consumer.holds))
  }

  // --- Draining ------------------------------------------------------------

  /** Goes on in a later turn of the event loop, with a new budget. */
  _schedule() {
    if (!this._scheduled) {
      this._scheduled = true
      setImmediate(() => {
        this._scheduled = false
        this._wake()
      })
    }
  }

  /** What was delivered so far was taken at once. */
  _flush() {
    const delivering = this._delivering
    // Whoever polls in there must not take what comes next from under us.
    this._delivering = true
    for (const consumer of this._audience) {
      try {
        consumer.flush()
      } catch (error) {
        // A listener's mistake: out of the middle of the account.
        throwUncaught(error)
      }
    }
    this._delivering = delivering
  }

  /** Looks for the next batch; false when this look brought none. */
  _refill() {
    // In front of what this look may report as lost.
    this._flush()
    if (this.closed) {
      // By a listener of `threats`: whoever called this is to see it.
      return true
    }
    this._batch = []
    this._index = 0
    this._more = this._take(DEFAULT_POLL, this._batch)
    this._noteGeneration()
    // A listener of `lost` may have polled some of it already.
    return this._index < this._batch.length
  }

  /** What the last look brought may be of another generation than what was
   * taken before. */
  _noteGeneration() {
    if (this._batch.length > 0 && this._taken !== this._generation()) {
      this._inAdvance().forEach((threat) => {
        if (!this._earlier.has(threat)) this._earlier.set(threat, this._taken)
      })
      this._taken = this._generation()
    }
  }

  /** Gives one threat to every consumer; `alone`: if there is but one. */
  _deliver(threat, alone) {
    let waits = null
    let thrown = null
    // Whoever subscribes while this one is delivered gets the next one.
    const audience = this._audience
    this._received++
    this._delivering = true
    try {
      for (const consumer of audience) {
        if (audience === this._audience || this._consumers.has(consumer)) {
          try {
            const wait = consumer.deliver(threat, alone)
            if (wait !== undefined) {
              waits ??= []
              waits.push(wait)
            }
          } catch (error) {
            // A listener's mistake must not cost the others their event.
            thrown = { error }
          }
        }
      }
    } finally {
      this._delivering = false
    }
    if (waits !== null) {
      this._busy = true
      Promise.all(waits).then(() => this._goOn())
    }
    if (thrown !== null) {
      throw thrown.error
    }
  }

  /** Behind a promise: with what is left of the budget, since the event loop
   * does not turn between promises. */
  _goOn() {
    this._busy = false
    try {
      this._drain()
    } catch (error) {
      // Out of the promise: a listener's mistake is an uncaught exception.
      throwUncaught(error)
    }
  }

  /** Charges one event, or one look that brought none, to the budget. True
   * when it is spent. The first event waits for no clock. */
  _spend() {
    const left = --this._left
    if (left <= 0) {
      return true
    }
    if (left % EVENTS_PER_CLOCK !== EVENTS_PER_CLOCK - 1) {
      return false
    }
    const now = performance.now()
    this._until ||= now + DRAIN_MILLISECONDS
    return now >= this._until
  }

  _drain() {
    // What is scheduled has the budget of its own turn, and a promise that
    // settles before must not get ahead of it.
    if (this._draining || this._scheduled) {
      return
    }
    let whole = false
    this._draining = true
    try {
      while (this._consumers.size > 0 && !this._busy && !this.closed) {
        if (this._index === this._batch.length && this._refill()) {
          // A listener of `lost` may have changed what the loop asks for.
          continue
        }
        if (this._index < this._batch.length) {
          const threat = this._batch[this._index++]
          this._deliver(threat, this._audience.length === 1)
        } else if (!this._more && !this._arm()) {
          break
        }
        if (this._spend()) {
          this._schedule()
          break
        }
      }
      whole = true
    } finally {
      this._draining = false
      this._flush()
      if (!whole) {
        // A listener threw: that is its business, the next events are ours.
        this._schedule()
      }
    }
  }
}

// Node 18 has neither symbol; the names are what later ones look for.
for (const [name, method] of [
  [Symbol.dispose, 'close'],
  [Symbol.asyncDispose, 'close']
]) {
  if (name !== undefined) {
    ThreatStream.prototype[name] = function dispose() {
      return this[method]()
    }
  }
}

module.exports = { ThreatStream }
