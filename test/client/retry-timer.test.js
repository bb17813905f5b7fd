'use strict'
// How often a client looks for what may come back, by a clock of the test's.

const assert = require('node:assert/strict')
const { RetryTimer } = require('../../lib/client/retry-timer.js')
const { Clock } = require('../helpers/clock.js')

const SOON_MS = 250
const LATE_MS = 1000
// Ten seconds of them.
const SOON = 40

describe('when a client looks again', () => {
  let clock
  let timer
  let looks

  beforeEach(() => {
    clock = new Clock().install()
    looks = 0
    timer = new RetryTimer(() => {
      looks++
      timer.later()
    })
  })

  afterEach(() => clock.restore())

  const tick = (count) => {
    for (let i = 0; i < count; i++) assert(clock.tick(), 'it goes on')
  }

  it('four times a second for ten seconds, then every second, for ever', () => {
    timer.soon()
    tick(SOON + 5000)
    assert.equal(looks, SOON + 5000)
    assert.equal(clock.now, SOON * SOON_MS + 5000 * LATE_MS)
    assert.equal(clock.timers.size, 1)
  })

  it('soon again when there is a reason, and once', () => {
    timer.soon()
    tick(SOON + 10)
    const { now } = clock
    timer.soon()
    timer.soon()
    timer.later()
    assert.equal(clock.timers.size, 1)
    tick(SOON)
    assert.equal(clock.now, now + SOON * SOON_MS)
  })

  it('never again when it is stopped', () => {
    timer.soon()
    timer.stop()
    timer.later()
    timer.soon()
    assert.equal(clock.tick(), false)
    assert.equal(looks, 0)
  })
})
