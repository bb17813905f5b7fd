'use strict'
// When a client that reads a server goes to a ring: only to the one that this
// server's Shield writes, whatever else is written beside it.

const assert = require('node:assert/strict')
const { FailoverSource } = require('../../lib/client/failover.js')
const { Clock } = require('../helpers/clock.js')

const OURS = 'a'.repeat(16)
const OTHERS = 'b'.repeat(16)
const LOOKS = 100

/** What a source does that nobody takes from. */
class Source {
  waiting = 0

  hold() {}

  retain() {}

  start() {}

  arm() {
    return false
  }

  totals() {
    return { lost: 0, rescued: 0, corrupt: 0, bytes: 0 }
  }

  async close() {}
}

describe('fail-over to a ring beside a server', () => {
  let clock
  let server
  let found // what there is in the ring's place
  let looks

  beforeEach(() => {
    clock = new Clock().install({ immediates: true })
    server = null
    looks = 0
  })

  afterEach(() => clock.restore())

  /** A client that reads a server of the generation OURS. */
  function connected({ hasRing = true } = {}) {
    const next = 5
    class Ring extends Source {
      generation = found.generation

      constructor(_options, _host, position) {
        super()
        this.at = position
      }

      position() {
        return this.at
      }

      checkFile() {
        return { displaced: false, writer: 'live' }
      }
    }
    class Server extends Source {
      connected = false
      hasRing = hasRing
      streamGeneration = OURS

      constructor(_locate, host) {
        super()
        this.host = host
        server = this
      }

      position() {
        return { generation: OURS, next }
      }
    }
    const source = new FailoverSource(
      {
        ring: { from: 'latest' },
        useRing: true,
        findRing() {
          looks++
          if (found === null) throw new Error('there is no ring')
          return { options: {}, ...found }
        },
        locate: () => ({}),
        handshakeTimeoutMs: 1000
      },
      {
        wake() {},
        lost: assert.fail,
        failed: assert.fail,
        checked() {},
        transport() {},
        isConsumed: () => true
      },
      { RingSource: Ring, WebSocketSource: Server }
    )
    server.connected = true
    server.host.connected()
    assert.equal(source.transport, 'websocket')
    return source
  }

  /** It looks so often. */
  function look(times) {
    const end = looks + times
    for (let i = 0; looks < end && i < 10 * times; i++) clock.tick()
  }

  it('F60 that another Shield writes: never', () => {
    found = null
    const source = connected()
    found = { generation: OTHERS, isWritten: true }
    look(LOOKS)
    assert(looks >= LOOKS, `${looks} looks`)
    assert.equal(source.transport, 'websocket')
    // The control: its own, when it is there.
    found = { generation: OURS, isWritten: true }
    look(1)
    assert.equal(source.transport, 'shm')
    assert.deepEqual(source.position(), { generation: OURS, next: 5 })
  })

  const stays = {
    'whose Shield says that it has none': [{ hasRing: false }, true],
    'that nobody writes': [{}, false]
  }
  for (const [what, [options, isWritten]] of Object.entries(stays)) {
    it(`F60 ${what}: never`, () => {
      found = null
      const source = connected(options)
      found = { generation: OURS, isWritten }
      look(LOOKS)
      assert.equal(source.transport, 'websocket')
    })
  }

  it('of another Shield, when the server is gone: goes over', () => {
    found = null
    const source = connected()
    server.connected = false
    server.host.disconnected(new Error('gone'))
    found = { generation: OTHERS, isWritten: false }
    look(LOOKS)
    assert.equal(source.transport, 'connecting')
    found.isWritten = true
    look(1)
    assert.equal(source.transport, 'shm')
  })
})
