'use strict'
// How often a writer beats, a reader without a poll thread looks for another
// ring, and a writer that waits for space asks, by a clock of the test's.

const assert = require('node:assert/strict')
const { Backpressure } = require('../../lib/shm/backpressure.js')
const { useClock } = require('../helpers/clock.js')
const { spy, useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { sequences } = require('../helpers/sequences.js')

const BEAT_MS = 500
const CHECK_MS = 200
const SPACE_MS = 50
const SPACE_WITHOUT_BELL_MS = 2

describe('how often', () => {
  const clock = useClock()
  const made = useNative()
  const current = useRing()

  beforeEach(() => clock.begin())

  it('a writer says that it lives: twice a second, until it is closed', async () => {
    const writer = current().writer()
    let beats = 0
    spy(made.writers[0], 'beat', () => beats++)
    clock.advance(BEAT_MS - 1)
    assert.equal(beats, 0)
    clock.advance(1)
    assert.equal(beats, 1)
    clock.advance(BEAT_MS)
    assert.equal(beats, 2)
    await writer.close()
    clock.advance(10 * BEAT_MS)
    assert.equal(beats, 2)
  })

  it('F25 a client that only polls looks for another ring: five times a second', async () => {
    const first = current().writer({ maxEvents: 16 })
    const client = current().client()
    first.writeThreat(threat('old'))
    assert.deepEqual(sequences(client.poll()), [1])
    // It looks at the end of what there is, and that is now.
    assert.deepEqual(client.poll(), [])
    await first.close()
    const second = current().writer({ maxEvents: 32 })
    second.writeThreat(threat('new'))
    clock.advance(CHECK_MS - 1)
    assert.deepEqual(client.poll(), [])
    clock.advance(1)
    const threats = []
    // A move to another ring may be a poll of its own.
    for (let i = 0; i < 3; i++) threats.push(...client.poll())
    assert.deepEqual(
      threats.map(({ details }) => details),
      ['new']
    )
  })

  for (const [hasBell, milliseconds] of [
    [true, SPACE_MS],
    [false, SPACE_WITHOUT_BELL_MS]
  ]) {
    it(`a writer asks for space, woken ${hasBell}: every ${milliseconds} ms`, () => {
      let asked = 0
      let hasSpace = false
      let drains = 0
      const native = {
        pollSpace: () => hasBell,
        hasSpace() {
          asked++
          return hasSpace
        }
      }
      const backpressure = new Backpressure(native, () => drains++)
      // Nothing was refused, so nobody asks.
      clock.advance(10 * milliseconds)
      assert.equal(asked, 0)
      backpressure.refused(3)
      clock.advance(milliseconds - 1)
      assert.equal(asked, 0)
      clock.advance(1)
      assert.equal(asked, 1)
      clock.advance(milliseconds)
      assert.deepEqual([asked, drains], [2, 0])
      hasSpace = true
      clock.advance(milliseconds)
      assert.deepEqual([asked, drains], [3, 1])
      // It is told once, and asks no more.
      clock.advance(10 * milliseconds)
      assert.deepEqual([asked, drains], [3, 1])
      backpressure.close()
    })
  }

  it('a writer that is closed rejects who waits for space, then and later', async () => {
    const native = { pollSpace: () => true, hasSpace: () => false }
    const backpressure = new Backpressure(native, assert.fail)
    backpressure.refused(1)
    const waits = backpressure.free()
    backpressure.close()
    await assert.rejects(waits, { code: 'ERR_CLOSED' })
    await assert.rejects(backpressure.free(), { code: 'ERR_CLOSED' })
    // What the bell brings behind that, and what is refused, is nobody's.
    backpressure.refused(1)
    clock.advance(10 * SPACE_MS)
  })

  it('a bell that rings behind close() is not heard', () => {
    let ring
    let asked = 0
    const native = {
      pollSpace(woken) {
        ring = woken
        return true
      },
      hasSpace() {
        asked++
        return true
      }
    }
    const backpressure = new Backpressure(native, assert.fail)
    backpressure.refused(1)
    backpressure.close()
    ring()
    assert.equal(asked, 0)
  })
})
