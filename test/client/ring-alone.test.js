'use strict'
// A client that has no server to go to: what fails is told, and what is not
// there is looked for.

const assert = require('node:assert/strict')
const { FailoverSource } = require('../../lib/client/failover.js')
const { Clock } = require('../helpers/clock.js')

const GENERATION = 'a'.repeat(16)

describe('fail-over without WebSocket', () => {
  let clock
  let rings // the hosts of those that were opened
  let openError
  let startError
  let failed
  let wakes

  beforeEach(() => {
    clock = new Clock().install({ immediates: true })
    rings = []
    openError = null
    startError = null
    failed = []
    wakes = 0
  })

  afterEach(() => clock.restore())

  function open(options = {}) {
    class Ring {
      generation = GENERATION
      isClosed = false

      constructor({ from }, host, position) {
        if (openError !== null) throw openError
        rings.push({ host, from, position, ring: this })
      }

      start() {
        if (startError !== null) throw startError
      }

      retain() {}

      hold() {}

      checkFile() {
        return { displaced: false, writer: 'gone' }
      }

      writerState() {
        return 'gone'
      }

      totals() {
        return { lost: 0, rescued: 0, corrupt: 0, bytes: 0 }
      }

      position() {
        return { generation: GENERATION, next: 1 }
      }

      take() {
        return false
      }

      arm() {
        return false
      }

      async close() {
        this.isClosed = true
      }
    }
    return new FailoverSource(
      {
        ring: { from: 'latest' },
        useRing: true,
        findRing: () => ({ options: {}, generation: GENERATION }),
        locate: null,
        handshakeTimeoutMs: 1000,
        ...options
      },
      {
        wake: () => wakes++,
        lost: assert.fail,
        failed: (error) => failed.push(error),
        checked() {},
        transport() {},
        isConsumed: () => true
      },
      { RingSource: Ring, WebSocketSource: assert.fail }
    )
  }

  it('F61 a ring that cannot be read ends it, and says why', () => {
    const source = open()
    const wrong = new Error('wrong')
    rings[0].host.failed(wrong)
    assert.deepEqual([failed, source.ringError], [[wrong], wrong])
    assert.equal(source.transport, 'shm')
  })

  it('what fails when it is closed is nobody’s', async () => {
    const source = open()
    await source.close()
    assert.equal(rings[0].ring.isClosed, true)
    rings[0].host.failed(new Error('late'))
    rings[0].host.checked()
    assert.deepEqual([failed, source.ringError], [[], null])
  })

  it('a ring whose writer is gone stays, without a server to go to', () => {
    const source = open()
    rings[0].host.checked()
    assert.equal(source.transport, 'shm')
    assert.equal(source.writerState(true), 'gone')
    assert.deepEqual([source.take(1, []), source.arm()], [false, false])
  })

  it('a ring that comes later is read from its beginning', () => {
    openError = new Error('there is no ring')
    const source = open()
    assert.equal(source.transport, 'connecting')
    assert.equal(source.writerState(true), 'gone')
    assert.deepEqual(
      [source.position(), source.generation, source.most],
      [null, null, undefined]
    )
    clock.tick()
    assert.equal(rings.length, 0)
    openError = null
    clock.tick()
    assert.deepEqual(
      rings.map(({ from }) => from),
      ['oldest']
    )
    assert.deepEqual([source.transport, wakes], ['shm', 1])
    // Nothing more is looked for but its events for the user.
    while (clock.tick());
    assert.equal(rings.length, 1)
  })

  it('a ring whose poll thread cannot start is closed, and tried again', () => {
    startError = new Error('no thread')
    const source = open()
    assert.equal(source.ringError, startError)
    assert.equal(rings[0].ring.isClosed, true)
    startError = null
    clock.tick()
    // It could be read: what came since then is all that is new.
    assert.deepEqual(
      rings.map(({ from }) => from),
      ['latest', 'latest']
    )
    assert.deepEqual([source.transport, source.ringError], ['shm', null])
  })

  it('where there never will be a ring, none is looked for', () => {
    openError = Object.assign(new Error('no addon'), {
      code: 'ERR_SHM_UNAVAILABLE'
    })
    const source = open()
    assert.equal(source.ringError, openError)
    assert.equal(clock.tick(), false)
  })
})
