'use strict'
// Node's timers and performance.now() by a clock that a test moves. Sockets and
// promises go on as ever, and so does what timers/promises gave out before.

const { mock } = require('node:test')

/**
 * In a `describe`: from begin() to the end of a test, time stands still but for
 * advance().
 * @returns {{ begin: () => void, advance: (milliseconds: number) => void,
 *   now: () => number }}
 */
function useMockedClock() {
  let now = 0

  function begin() {
    now = 0
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    mock.method(performance, 'now', () => now)
  }

  afterEach(() => {
    mock.timers.reset()
    mock.restoreAll()
  })

  /** Millisecond by millisecond, so that each timer sees its own time. */
  function advance(milliseconds) {
    for (let i = 0; i < milliseconds; i++) {
      now++
      mock.timers.tick(1)
    }
  }

  return { begin, advance, now: () => now }
}

module.exports = { useMockedClock }
