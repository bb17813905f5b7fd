'use strict'
// The times of threats that have none, from a Shield without a ring.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../lib/index.js')
const { WallClock } = require('../../lib/base/wall-clock.js')
const { threat } = require('../helpers/ring.js')
const { connected, useFactory } = require('../helpers/factory.js')
const { collect, turn } = require('../helpers/wait.js')

describe('the time of a threat without a ring', () => {
  const { current, overWebSocket, shieldOf } = useFactory()

  it('has microseconds, never goes back, and is that of now', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    const client = await connected(current(), overWebSocket())
    const got = collect(client, 100)
    // Both clocks are cut to milliseconds, and one may be a whole one ahead.
    const before = (Date.now() - 2) * 1000
    for (let i = 0; i < 100; i++) {
      shield.writeThreat(threat())
      await turn()
    }
    const times = (await got).map(({ timestampUs }) => timestampUs)
    const after = (Date.now() + 2) * 1000
    assert(times.some((time) => time % 1000 !== 0))
    assert(new Set(times).size > 10)
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b)
    )
    assert(times.every((time) => time >= before && time <= after))
  })
})

describe('the clock of a Shield without a ring', () => {
  /** Milliseconds: the time of day, and a monotonic clock. */
  function setUp() {
    const time = { real: 1_700_000_000_000.25, monotonic: 50.5 }
    const clock = new WallClock({
      // As the system's: cut.
      wall: () => Math.floor(time.real),
      monotonic: () => time.monotonic,
      origin: time.real - time.monotonic
    })
    const pass = (milliseconds) => {
      time.real += milliseconds
      time.monotonic += milliseconds
    }
    return { time, clock, pass }
  }

  it('counts on between two looks, and agrees with the system’s', () => {
    const { time, clock, pass } = setUp()
    for (let i = 0; i < 1000; i++) {
      // What a double has exactly, so that the sum is right.
      pass(755 / 1024)
      const expected = Math.round(time.real * 1000)
      assert(Math.abs(clock.now() - expected) <= 1, `step ${i}`)
    }
  })

  for (const [what, milliseconds] of [
    ['ten years ahead', 315_360_000_000],
    ['ten years back', -315_360_000_000],
    ['a second ahead', 1000],
    ['a second back', -1000]
  ]) {
    it(`F40 follows when the system’s is set ${what}`, () => {
      const { time, clock, pass } = setUp()
      clock.now()
      time.real += milliseconds
      pass(150)
      // Cut to milliseconds, the system's is known no better than that.
      assert(Math.abs(clock.now() / 1000 - time.real) <= 1)
    })
  }

  it('does not go back when the system’s is slewed', () => {
    const { time, clock, pass } = setUp()
    let last = 0
    for (let i = 0; i < 2000; i++) {
      pass(1)
      time.real -= 0.01
      const now = clock.now()
      assert(now >= last)
      last = now
    }
    assert(Math.abs(last / 1000 - time.real) <= 5)
  })

  it('does not wander off when the monotonic clock is a little fast', () => {
    const { time, clock, pass } = setUp()
    for (let i = 0; i < 10_000; i++) {
      pass(10)
      time.monotonic += 0.001
      assert(Math.abs(clock.now() / 1000 - time.real) <= 2)
    }
  })
})
