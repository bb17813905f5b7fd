'use strict'
// Who consumes a stream of threats (threat-stream.js): listeners, the
// callback of a pollThreats, a `for await`. Each has
//   deliver(threat, alone)  returns a promise when it wants to be waited for;
//                           `alone`: nobody else gets this one
//   end(error?)             the stream is over for it
//   flush()                 what was taken at once has been delivered
//   holds                   whether it holds the process open

const { throwUncaught } = require('../base/emit-safely.js')

// What an iterator takes from the stream before it makes the others wait.
const IN_ADVANCE = 256

/** Delivers to `on('threat')`. It does not hold the process open. */
class ListenerConsumer {
  constructor(stream) {
    this.holds = false
    this._stream = stream
  }

  deliver(threat) {
    this._stream.emit('threat', threat)
  }

  flush() {}

  end() {}
}

/** Delivers to `on('threats')` what was taken at once, as one list. It does not
 * hold the process open. */
class BatchConsumer {
  constructor(stream) {
    this.holds = false
    this._stream = stream
    this._batch = []
  }

  deliver(threat) {
    this._batch.push(threat)
  }

  flush() {
    if (this._batch.length > 0) {
      const batch = this._batch
      this._batch = []
      this._stream.emit('threats', batch)
    }
  }

  /** What was taken is delivered, whatever ends the stream. */
  end() {
    try {
      this.flush()
    } catch (error) {
      // A listener's mistake: out of the middle of what ends it.
      throwUncaught(error)
    }
  }
}

/** Delivers to the callback of one pollThreats. */
class PollConsumer {
  constructor(stream, callback, resolve, reject) {
    this.holds = true
    this._stream = stream
    this._callback = callback
    this._resolve = resolve
    this._reject = reject
    this._left = null // ends the stream's wait for a promise
    this._ended = false // by what the callback did, before it returned
    this._answered = (answer) => {
      if (answer === false) {
        this._stream._remove(this)
      }
    }
    // Whatever was thrown, `undefined` too, rejects.
    this._failed = (error) =>
      this._stream._remove(this, error ?? new Error(`it threw ${error}`))
  }

  deliver(threat) {
    let answer
    let isPromise
    try {
      answer = this._callback(threat)
      isPromise = answer !== null && typeof answer?.then === 'function'
    } catch (error) {
      this._failed(error)
      return undefined
    }
    if (!isPromise) {
      this._answered(answer)
      return undefined
    }
    // Over when the promise settles or this consumer ends: one that never
    // settles must not hold up those who are left.
    return new Promise((resolve) => {
      this._left = resolve
      if (this._ended) {
        resolve()
      }
      new Promise((settle) => {
        settle(answer)
      })
        .then(this._answered, this._failed)
        .then(resolve)
    })
  }

  flush() {}

  end(error) {
    this._ended = true
    this._left?.()
    if (error === undefined) {
      this._resolve()
    } else {
      this._reject(error)
    }
  }
}

/** Delivers to one `for await`. What it took in advance, and nobody else got,
 * it can give back. */
class IteratorConsumer {
  constructor(stream) {
    this.holds = true
    this._stream = stream
    this._queue = []
    this._taken = 0
    this._shared = 0 // up to here in the queue, others got it too
    this._waiting = [] // { resolve, reject } of next() calls
    this._emptied = null // resolves the stream's wait for room
    this._ended = false
    this._error = undefined
  }

  deliver(threat, alone) {
    if (this._waiting.length > 0) {
      this._waiting.shift().resolve({ value: threat, done: false })
      return undefined
    }
    this._queue.push(threat)
    if (!alone) {
      this._shared = this._queue.length
    }
    if (this._queue.length < IN_ADVANCE) {
      return undefined
    }
    return new Promise((resolve) => {
      this._emptied = resolve
    })
  }

  /** What was taken from the stream but by nobody from here. */
  untaken() {
    return this._queue.slice(Math.max(this._taken, this._shared))
  }

  /** The same, which is not for this one any more. */
  giveBack() {
    const rest = this.untaken()
    this._empty()
    return rest
  }

  _empty() {
    this._queue = []
    this._taken = 0
    this._shared = 0
  }

  flush() {}

  end(error) {
    this._ended = true
    this._error = error
    this._emptied?.()
    for (const { resolve, reject } of this._waiting.splice(0)) {
      if (this._error === undefined) {
        resolve({ value: undefined, done: true })
      } else {
        reject(this._error)
        this._error = undefined
      }
    }
  }

  next() {
    if (this._taken < this._queue.length) {
      const value = this._queue[this._taken++]
      if (this._taken === this._queue.length) {
        this._empty()
        this._emptied?.()
        this._emptied = null
      }
      return Promise.resolve({ value, done: false })
    }
    if (this._error !== undefined) {
      const error = this._error
      this._error = undefined
      return Promise.reject(error)
    }
    if (this._ended) {
      return Promise.resolve({ value: undefined, done: true })
    }
    return new Promise((resolve, reject) => {
      this._waiting.push({ resolve, reject })
    })
  }

  return(value) {
    this._stream._remove(this)
    return Promise.resolve({ value, done: true })
  }

  throw(error) {
    this._stream._remove(this)
    return Promise.reject(error)
  }

  [Symbol.asyncIterator]() {
    return this
  }
}

module.exports = {
  BatchConsumer,
  ListenerConsumer,
  PollConsumer,
  IteratorConsumer
}
