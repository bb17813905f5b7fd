'use strict'
// How often a client looks for a ring that may come back, by a clock of the
// test's.

const assert = require('node:assert/strict')
const { RetryTimer } = require('../../lib/client/retry-timer.js')
const { Clock } = require('../helpers/clock.js')

// Four times a second, and once a second after ten seconds.
const SOON = Array(40).fill(250)
const LATE = 1000

describe('a client that looks for a ring', () => {
  let clock

  beforeEach(() => {
    clock = new Clock().install({ immediates: true })
  })

  afterEach(() => clock.restore())

  /** One that never finds anything. */
  function looking() {
    const timer = new RetryTimer(() => timer.later())
    timer.later()
    return timer
  }

  const tick = (times) => {
    for (let i = 0; i < times; i++) assert(clock.tick(), `tick ${i}`)
  }

  it('looks often for a while, then seldom, for ever', () => {
    looking()
    tick(1000)
    assert.deepEqual(clock.delays.slice(0, 41), [...SOON, LATE])
    assert(clock.delays.slice(41).every((delay) => delay === LATE))
    assert.equal(clock.delays.length, 1001)
  })

  it('looks often again when there is a reason, instead of late', () => {
    const timer = looking()
    tick(100)
    clock.delays = []
    timer.soon()
    // The one that would have come late is gone.
    assert.equal(clock.timers.size, 1)
    tick(40)
    assert.deepEqual(clock.delays, [...SOON, LATE])
  })

  it('looks once, however often it is told to', () => {
    const timer = looking()
    timer.later()
    timer.later()
    assert.equal(clock.timers.size, 1)
  })

  it('never looks again when it was stopped', () => {
    const timer = looking()
    timer.stop()
    timer.soon()
    timer.later()
    assert.equal(clock.timers.size, 0)
  })

  it('holds the process open as it is told', () => {
    const timer = looking()
    const held = () => {
      const [only] = clock.timers
      let isHeld = null
      Object.assign(only, {
        ref() {
          isHeld = true
        },
        unref() {
          isHeld = false
        }
      })
      return () => isHeld
    }
    const first = held()
    timer.hold(true)
    assert.equal(first(), true)
    timer.hold(false)
    assert.equal(first(), false)
  })
})
