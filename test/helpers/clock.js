'use strict'
// Timers, and performance.now(), by a clock that a test moves, in the place of
// Node's. Sockets and promises go on as ever, and so does what timers/promises
// gave out before.

const { mock } = require('node:test')

/** A timer as Node's, that never holds the process. */
class Timer {
  constructor(timers, action, at, every) {
    Object.assign(this, { timers, action, at, every })
    timers.add(this)
  }

  fire() {
    if (this.every === null) this.timers.delete(this)
    else this.at += this.every
    this.action()
  }

  ref() {
    return this
  }

  unref() {
    return this
  }
}

const least = (delay) => Math.max(1, delay ?? 1)

/**
 * Until the function that it returns is called, performance.now() is another.
 * The whole object is replaced: in Node 18 and in Bun, the real one's `now`
 * cannot be.
 * @param {() => number} now milliseconds
 * @returns {() => void}
 */
function replaceNow(now) {
  const real = Object.getOwnPropertyDescriptor(globalThis, 'performance')
  Object.defineProperty(globalThis, 'performance', {
    configurable: true,
    value: Object.create(performance, { now: { value: now } })
  })
  return () => Object.defineProperty(globalThis, 'performance', real)
}

class Clock {
  now = 0
  timers = new Set()
  /** Of every setTimeout so far. */
  delays = []
  #restorers = []

  /**
   * Until restore(), the global timers are this clock's.
   * @param {{ immediates?: boolean, time?: boolean }} [which] whether what
   *   setImmediate gets waits for tick(), and performance.now() stands still
   */
  install({ immediates = false, time = false } = {}) {
    const { timers } = this
    const put = (object, name, fake) => {
      const { mock: one } = mock.method(object, name, fake)
      this.#restorers.push(() => one.restore())
    }
    put(globalThis, 'setTimeout', (action, delay, ...args) => {
      this.delays.push(delay)
      const at = this.now + least(delay)
      return new Timer(timers, () => action(...args), at, null)
    })
    put(globalThis, 'setInterval', (action, delay, ...args) => {
      const every = least(delay)
      return new Timer(timers, () => action(...args), this.now + every, every)
    })
    for (const name of ['clearTimeout', 'clearInterval']) {
      const clear = globalThis[name]
      // It may have been made before.
      put(globalThis, name, (timer) =>
        timer instanceof Timer ? timers.delete(timer) : clear(timer)
      )
    }
    if (immediates) {
      put(
        globalThis,
        'setImmediate',
        (action, ...args) =>
          new Timer(timers, () => action(...args), this.now, null)
      )
    }
    if (time) {
      this.#restorers.push(replaceNow(() => this.now))
    }
    return this
  }

  restore() {
    this.#restorers.splice(0).forEach((restore) => restore())
    this.timers.clear()
  }

  /** Jumps to the next timer, which fires. False when there is none. */
  tick() {
    const [first] = [...this.timers].sort((a, b) => a.at - b.at)
    if (first === undefined) return false
    this.now = first.at
    first.fire()
    return true
  }

  /** Millisecond by millisecond, so that each timer sees its own time. */
  advance(milliseconds) {
    for (let i = 0; i < milliseconds; i++) {
      this.now++
      const due = [...this.timers].filter(({ at }) => at <= this.now)
      for (const timer of due.sort((a, b) => a.at - b.at)) {
        // One of the others may have cleared it.
        if (this.timers.has(timer)) timer.fire()
      }
    }
  }
}

/**
 * In a `describe`: from begin() to the end of a test, time stands still but for
 * advance(). What mock.method() has put in the place of anything is gone behind
 * each test.
 * @returns {{ begin: () => void, advance: (milliseconds: number) => void,
 *   now: () => number }}
 */
function useClock() {
  let clock

  afterEach(() => {
    clock?.restore()
    mock.restoreAll()
  })

  return {
    begin() {
      clock = new Clock().install({ time: true })
    },
    advance: (milliseconds) => clock.advance(milliseconds),
    now: () => clock.now
  }
}

module.exports = { Clock, replaceNow, useClock }
