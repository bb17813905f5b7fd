'use strict'
// Timers and performance.now() by a clock that a test moves. Sockets and
// promises go on as ever, and so does what timers/promises gave out before.

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

/**
 * In a `describe`: from begin() to the end of a test, time stands still but for
 * advance(). What mock.method() has put in the place of anything is gone behind
 * each test.
 * @returns {{ begin: () => void, advance: (milliseconds: number) => void,
 *   now: () => number }}
 */
function useMockedClock() {
  const timers = new Set()
  let now = 0

  const least = (delay) => Math.max(1, delay ?? 1)

  function begin() {
    now = 0
    mock.method(performance, 'now', () => now)
    mock.method(
      globalThis,
      'setTimeout',
      (action, delay, ...args) =>
        new Timer(timers, () => action(...args), now + least(delay), null)
    )
    mock.method(globalThis, 'setInterval', (action, delay, ...args) => {
      const every = least(delay)
      return new Timer(timers, () => action(...args), now + every, every)
    })
    for (const name of ['clearTimeout', 'clearInterval']) {
      const clear = globalThis[name]
      // It may have been made before.
      mock.method(globalThis, name, (timer) =>
        timer instanceof Timer ? timers.delete(timer) : clear(timer)
      )
    }
  }

  afterEach(() => {
    mock.restoreAll()
    timers.clear()
  })

  /** Millisecond by millisecond, so that each timer sees its own time. */
  function advance(milliseconds) {
    for (let i = 0; i < milliseconds; i++) {
      now++
      const due = [...timers].filter(({ at }) => at <= now)
      for (const timer of due.sort((a, b) => a.at - b.at)) {
        // One of the others may have cleared it.
        if (timers.has(timer)) timer.fire()
      }
    }
  }

  return { begin, advance, now: () => now }
}

module.exports = { useMockedClock }
