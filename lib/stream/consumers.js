'use strict'
// Those who consume a delivery (delivery.js): the listeners of an event, the
// callback of one pollThreats, one `for await`. Each has
//   holds             whether it holds the process open, and ends when the
//                     stream fails
//   demand            WANTS, ACCEPTS or BLOCKS
//   scope             in which it is called, or null
//   deliver(threat)
//   collects          whether it has collect(threats), which does what
//                     deliver() does with each of them
//   flush()           what was taken at once has been delivered
//   end(error?)       the stream is over for it

const { throwUncaught } = require('../base/emit-safely.js')
const { isEverywhere, ownOf } = require('../base/own.js')
const { Scope, scopeOf } = require('../base/scope.js')

// The stream moves while one of its consumers wants an event and none blocks
// it, because it has to be waited for.
const WANTS = 1
const ACCEPTS = 0
const BLOCKS = -1

// What an iterator keeps of the events that others wanted before it did.
const MOST_KEPT = 256

/** Delivers to `on('threat')`. */
class ListenerConsumer {
  collects = false
  holds = false
  demand = WANTS
  #emitter

  constructor(emitter) {
    this.#emitter = emitter
  }

  get scope() {
    return scopeOf(this.#emitter, 'threat')
  }

  deliver(threat) {
    this.#emitter.emit('threat', threat)
  }

  flush() {}

  end() {}
}

/** Delivers to `on('threats')` what was taken at once, as one list. */
class BatchConsumer {
  collects = true
  holds = false
  demand = WANTS
  #emitter
  #isFreezing
  #batch = []

  constructor(emitter, isFreezing) {
    this.#emitter = emitter
    this.#isFreezing = isFreezing
  }

  get scope() {
    return scopeOf(this.#emitter, 'threats')
  }

  deliver(threat) {
    this.#batch.push(threat)
  }

  collect(threats) {
    this.#batch = this.#batch.concat(threats)
  }

  flush() {
    if (this.#batch.length > 0) {
      const batch = this.#batch
      this.#batch = []
      if (this.#isFreezing) {
        Object.freeze(batch)
      }
      this.#emitter.emit('threats', batch)
    }
  }

  /** Delivers what was taken, whatever ends the stream. */
  end() {
    try {
      this.flush()
    } catch (error) {
      // A listener's mistake must not keep the stream from ending.
      throwUncaught(error)
    }
  }
}

/** Whether a promise takes on its state. */
function isThenable(answer) {
  if (!isEverywhere('then')) {
    return typeof answer?.then === 'function'
  }
  return (
    typeof answer === 'object' && typeof ownOf(answer, 'then') === 'function'
  )
}

/** What next() resolves with: a promise would ask it for a `then`. */
const result = (value, done) =>
  isEverywhere('then') ? { __proto__: null, value, done } : { value, done }

/** Delivers to the callback of one pollThreats. */
class PollConsumer {
  collects = false
  holds = true
  demand = WANTS
  scope = new Scope()
  #delivery
  #callback
  #resolve
  #reject

  constructor(delivery, callback, resolve, reject) {
    this.#delivery = delivery
    this.#callback = callback
    this.#resolve = resolve
    this.#reject = reject
  }

  deliver(threat) {
    try {
      const answer = this.scope.run(this.#callback, undefined, threat)
      if (!isThenable(answer)) {
        this.#take(answer)
        return
      }
      this.demand = BLOCKS
      // A thenable may do anything; a promise of our own calls back once.
      new Promise((settle) => {
        settle(answer)
      }).then(this.#settled, this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }

  flush() {}

  end(error) {
    if (error === undefined) {
      this.#resolve()
    } else {
      this.#reject(error)
    }
  }

  #take(answer) {
    if (answer === false) {
      this.#delivery.remove(this)
    }
  }

  #settled = (answer) => {
    this.demand = WANTS
    this.#take(answer)
    this.#delivery.pull()
  }

  // Whatever was thrown, `undefined` too, rejects.
  #failed = (error) => {
    this.#delivery.remove(this, error ?? new Error(`it threw ${error}`))
  }
}

/**
 * Delivers to one `for await`, which pulls: alone, it takes an event from the
 * stream when next() waits for it. Events that others want sooner are kept for
 * it; when it lags too far behind, the others wait.
 */
class IteratorConsumer {
  collects = false
  holds = true
  // Who awaits goes on in a scope of their own.
  scope = null
  #delivery
  #kept = []
  #waiting = [] // { resolve, reject } of next() calls
  #isEnded = false
  #error = undefined

  constructor(delivery) {
    this.#delivery = delivery
  }

  get demand() {
    if (this.#waiting.length > 0) {
      return WANTS
    }
    return this.#kept.length < MOST_KEPT ? ACCEPTS : BLOCKS
  }

  deliver(threat) {
    if (this.#waiting.length > 0) {
      this.#waiting.shift().resolve(result(threat, false))
    } else {
      this.#kept.push(threat)
    }
  }

  flush() {}

  end(error) {
    this.#isEnded = true
    this.#error = error
    this.#kept = []
    for (const asked of this.#waiting.splice(0)) {
      this.#tellEnd(asked)
    }
  }

  next() {
    const value = this.#takeNow()
    if (value !== undefined) {
      return Promise.resolve(result(value, false))
    }
    return new Promise((resolve, reject) => {
      if (this.#isEnded) {
        this.#tellEnd({ resolve, reject })
      } else {
        this.#waiting.push({ resolve, reject })
        this.#delivery.pull()
      }
    })
  }

  return(value) {
    this.#delivery.remove(this)
    return Promise.resolve(result(value, true))
  }

  throw(error) {
    this.#delivery.remove(this)
    return Promise.reject(error)
  }

  [Symbol.asyncIterator]() {
    return this
  }

  /** What is there for it already; undefined: nothing. */
  #takeNow() {
    if (this.#kept.length > 0) {
      const wasBlocking = this.demand === BLOCKS
      const value = this.#kept.shift()
      if (wasBlocking) {
        this.#delivery.pull()
      }
      return value
    }
    const isFirst = !this.#isEnded && this.#waiting.length === 0
    return isFirst ? this.#delivery.takeAlone() : undefined
  }

  /** An error is told once; behind it there is just the end. */
  #tellEnd({ resolve, reject }) {
    const error = this.#error
    this.#error = undefined
    if (error === undefined) {
      resolve(result(undefined, true))
    } else {
      reject(error)
    }
  }
}

module.exports = {
  ACCEPTS,
  BatchConsumer,
  IteratorConsumer,
  ListenerConsumer,
  PollConsumer,
  WANTS
}
