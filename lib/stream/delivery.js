'use strict'
// Delivers what a source has to consumers that share one cursor: each gets
// every event, and the cursor moves only while one of them wants an event and
// none has to be waited for (consumers.js).

const { ACCEPTS } = require('./consumers.js')
const { throwUncaught } = require('../base/emit-safely.js')
const { freeze } = require('./freeze.js')

// A drain yields to the event loop after so many events or milliseconds, so
// that a flood never freezes an editor.
const DRAIN_EVENTS = 1024
const DRAIN_MILLISECONDS = 8
// Looking at the clock costs a tenth of what an event does.
const EVENTS_PER_CLOCK = 8
// What one look at the source is to bring at the most.
const BATCH_EVENTS = 256
// How often poll() looks again when a look brought nothing but promises more:
// what stands in the ring must not be able to hold it up.
const EMPTY_TAKES = 8

class Delivery {
  #source
  #isFreezing
  #audience = [] // replaced whenever it changes
  #batch = []
  #index = 0
  #hasMore = true // as far as the source said; arm() knows it exactly
  #generation = null // of the batch; null while that is being taken
  #received = 0
  #left = DRAIN_EVENTS // of this turn's budget
  #until = 0 // when it is over; 0 until the clock was looked at
  #isDraining = false
  #isDelivering = false
  #isScheduled = false
  #isClosed = false

  /**
   * @param {object} source see ThreatStream
   * @param {boolean} isFreezing whether nobody can change what all are given
   */
  constructor(source, isFreezing) {
    this.#source = source
    this.#isFreezing = isFreezing
  }

  /** Whether somebody takes what comes next, as soon as it comes. */
  get isConsumed() {
    return this.#demand() > ACCEPTS
  }

  /** The events that were delivered. */
  get received() {
    return this.#received
  }

  /**
   * Behind which event the cursor stands, as long as something was taken from
   * the source and not delivered; undefined when the source knows.
   * @returns {{ generation: string, sequence: number } | undefined}
   */
  get position() {
    const next = this.#batch[this.#index]
    return (
      next && {
        generation: this.#generation ?? this.#source.generation,
        sequence: next.sequence - 1
      }
    )
  }

  /** @throws {Error} what the source says when it cannot wait for events */
  add(consumer) {
    const audience = this.#audience
    if (this.#isClosed || audience.includes(consumer)) {
      return
    }
    this.#audience = [...audience, consumer]
    try {
      this.#hold()
    } catch (error) {
      this.#audience = audience
      throw error
    }
    // From a turn of its own: nobody is called before the call that
    // subscribed has returned.
    this.#schedule()
  }

  /** @param {unknown} [error] what ended it; undefined: it has its end */
  remove(consumer, error) {
    if (!this.#audience.includes(consumer)) {
      return
    }
    this.#audience = this.#audience.filter((other) => other !== consumer)
    if (consumer.demand < ACCEPTS) {
      // The others waited for it.
      this.#schedule()
    }
    consumer.end(error)
    this.#hold()
  }

  /** Ends those that wait for the end; listeners stay. */
  fail(error) {
    for (const consumer of this.#audience) {
      if (consumer.holds) {
        this.remove(consumer, error)
      }
    }
  }

  /** Ends everybody, for good. */
  close() {
    this.#isClosed = true
    for (const consumer of this.#audience) {
      this.remove(consumer)
    }
  }

  /** @param {number} max @returns see ThreatStream.poll */
  poll(max) {
    const threats = []
    // No more than there can be at once: a writer that goes on writing, or what
    // stands in its ring, must not be able to hold this up.
    const atOnce = max > BATCH_EVENTS ? this.#source.most : undefined
    const most = Math.min(max, atOnce ?? max)
    let empty = 0
    while (
      threats.length < most &&
      !this.#isDelivering &&
      !this.#isClosed &&
      this.#demand() >= ACCEPTS
    ) {
      if (this.#index === this.#batch.length) {
        if (!this.#refill() && (!this.#hasMore || ++empty === EMPTY_TAKES)) {
          break
        }
        // A listener of `lost` may have closed this, or polled itself.
        continue
      }
      const threat = this.#batch[this.#index++]
      threats.push(threat)
      try {
        this.#deliver(threat)
      } catch (error) {
        // A listener's mistake must not cost the caller what it polled.
        throwUncaught(error)
      }
    }
    this.#flush()
    return threats
  }

  /** Something may be there to take. To be called from the event loop. */
  wake() {
    this.#hasMore = true
    this.#left = DRAIN_EVENTS
    this.#until = 0
    this.pull()
  }

  /**
   * Delivers while somebody wants an event: with what is left of the budget,
   * since the event loop does not turn between promises.
   */
  pull() {
    // What is scheduled has the budget of its own turn, and a promise that
    // settles before must not get ahead of it.
    if (this.#isDraining || this.#isScheduled) {
      return
    }
    if (this.#isDelivering) {
      // By poll(): behind what it delivers, not in the middle.
      this.#schedule()
      return
    }
    this.#isDraining = true
    // Of one consumer alone, entered once and not for each event.
    const scope = this.#audience.length === 1 ? this.#audience[0].scope : null
    try {
      if (scope === null) {
        this.#drain()
      } else {
        scope.run(() => this.#drain())
      }
    } catch (error) {
      // A listener's mistake; the next events have a turn of their own.
      throwUncaught(error)
      this.#schedule()
    } finally {
      this.#isDraining = false
    }
    this.#flush()
  }

  /**
   * The next event, for an iterator that is alone and wants it: as pull()
   * delivers it, without a promise to keep.
   * @returns {object | undefined} undefined: it has to wait
   */
  takeAlone() {
    const mayTake =
      this.#audience.length === 1 &&
      this.#index < this.#batch.length &&
      !this.#isScheduled &&
      !this.#isDraining &&
      !this.#isDelivering
    if (!mayTake) {
      return undefined
    }
    this.#received++
    if (this.#spend()) {
      this.#schedule()
    }
    return this.#batch[this.#index++]
  }

  #drain() {
    while (!this.#isClosed && this.#demand() > ACCEPTS) {
      let count = 1
      if (this.#index < this.#batch.length) {
        count = this.#deliverNext()
      } else if (!this.#hasMore) {
        this.#flush()
        if (this.#isClosed || !this.#source.arm()) {
          return
        }
        this.#hasMore = true
      } else if (this.#refill()) {
        // A listener of `lost` may have changed what the loop asks for.
        continue
      }
      if (this.#spend(count)) {
        this.#schedule()
        return
      }
    }
  }

  #hold() {
    this.#source.hold(this.#audience.some((consumer) => consumer.holds))
  }

  /** What all consumers together demand. */
  #demand() {
    if (this.#audience.length === 1) {
      return this.#audience[0].demand
    }
    let most = ACCEPTS
    for (const { demand } of this.#audience) {
      if (demand < ACCEPTS) {
        return demand
      }
      most = demand > most ? demand : most
    }
    return most
  }

  /** Goes on in a later turn of the event loop, with a new budget. */
  #schedule() {
    if (!this.#isScheduled) {
      this.#isScheduled = true
      setImmediate(() => {
        this.#isScheduled = false
        this.wake()
      })
    }
  }

  /** Charges events, or one look that brought none, to the budget. True when it
   * is spent. The first event waits for no clock. */
  #spend(count = 1) {
    this.#left -= count
    const left = this.#left
    if (left <= 0) {
      return true
    }
    if (count === 1 && left % EVENTS_PER_CLOCK !== EVENTS_PER_CLOCK - 1) {
      return false
    }
    const now = performance.now()
    this.#until ||= now + DRAIN_MILLISECONDS
    return now >= this.#until
  }

  /** Looks for the next batch; false when this look brought none. */
  #refill() {
    // In front of what this look may report as lost.
    this.#flush()
    if (this.#isClosed) {
      // By a listener of `threats`: true, so that the caller looks again.
      return true
    }
    this.#batch = []
    this.#index = 0
    this.#generation = null
    this.#hasMore = this.#source.take(BATCH_EVENTS, this.#batch)
    if (this.#isFreezing) {
      this.#batch.forEach(freeze)
    }
    this.#generation = this.#source.generation
    // A listener of `lost` may have polled some of it already.
    return this.#index < this.#batch.length
  }

  /** Gives the next threat to every consumer, or all that there are to one that
   * is alone and collects them. @returns {number} how many */
  #deliverNext() {
    const count = this.#batch.length
    if (
      this.#index > 0 ||
      this.#audience.length > 1 ||
      !this.#audience[0].collects ||
      count > this.#left
    ) {
      this.#deliver(this.#batch[this.#index++])
      return 1
    }
    this.#index = count
    this.#received += count
    this.#audience[0].collect(this.#batch)
    return count
  }

  /** Gives one threat to every consumer. @throws what a listener threw */
  #deliver(threat) {
    let thrown = null
    // Who subscribes while this one is delivered gets the next one.
    const audience = this.#audience
    this.#received++
    this.#isDelivering = true
    for (const consumer of audience) {
      if (audience === this.#audience || this.#audience.includes(consumer)) {
        try {
          consumer.deliver(threat)
        } catch (error) {
          // A listener's mistake must not cost the others their event.
          thrown = { error }
        }
      }
    }
    this.#isDelivering = false
    if (thrown !== null) {
      throw thrown.error
    }
  }

  /** What was delivered so far was taken at once. */
  #flush() {
    const isDelivering = this.#isDelivering
    // A listener that polls must not take what comes next from under us.
    this.#isDelivering = true
    for (const consumer of this.#audience) {
      try {
        consumer.flush()
      } catch (error) {
        // A listener's mistake must not cost the others theirs.
        throwUncaught(error)
      }
    }
    this.#isDelivering = isDelivering
  }
}

module.exports = { Delivery }
