'use strict'
// client.state and its event: one value, told once for each change.

const assert = require('node:assert/strict')
const { mock } = require('node:test')
const { ThreatStream } = require('../../lib/stream/threat-stream.js')
const { openList, turns } = require('../helpers/list-source.js')
const { record } = require('../helpers/wait.js')

/** A stream that says at first what these say. */
function opened(first = {}) {
  const { source, stream, host } = openList(0)
  Object.assign(source, first)
  const change = (fields) => {
    Object.assign(source, fields)
    host.checked()
  }
  return { change, host, source, stream, states: record(stream, 'state') }
}

const brief = ({ transport, writer }) => `${transport} ${writer}`

describe('the state of a stream', () => {
  it('is there from the start, and is not told', async () => {
    const { stream, states } = opened()
    const { state } = stream
    assert.equal(brief(state), 'shm live')
    assert.equal(state.reason, 'the ring is there')
    assert(Math.abs(Date.now() - state.since) < 60_000)
    assert(Object.isFrozen(state))
    assert.equal(stream.state, state, 'the same until it changes')
    await turns()
    assert.deepEqual(states, [])
  })

  it('is told once when both change', async () => {
    const { change, host, stream, states } = opened()
    change({ state: 'gone' })
    change({ transport: 'websocket', reason: 'why', state: 'live' })
    host.transport({ from: 'shm', to: 'websocket', reason: 'why' })
    await turns()
    assert.deepEqual(states.map(brief), ['websocket live'])
    assert.equal(states[0], stream.state)
    assert.equal(states[0].reason, 'why')
  })

  it('is told from a turn of its own, and is known before', async () => {
    const { source, stream, states } = opened()
    source.state = 'stalled'
    assert.equal(brief(stream.state), 'shm stalled')
    assert.deepEqual(states, [])
    await turns()
    assert.deepEqual(states, [stream.state])
  })

  it('looks anew for who asks, and not where the source has just looked', () => {
    const { host, source, stream } = opened()
    const looks = []
    source.writerState = (fresh) => {
      looks.push(fresh)
      return 'live'
    }
    assert.equal(stream.state.writer, 'live')
    host.checked()
    assert.deepEqual(looks, [true, false])
  })

  it('is not looked at by a source that calls while it is opened', () => {
    const { source } = openList(0)
    const open = (host) => {
      host.checked()
      host.transport({ from: 'shm', to: 'websocket', reason: 'why' })
      host.wake()
      return source
    }
    const stream = new ThreatStream(open, () => ({ error: null }))
    assert.equal(brief(stream.state), 'shm live')
  })

  it('that comes back in the same turn is not told', async () => {
    const { change, states } = opened()
    change({ state: 'gone' })
    change({ state: 'live' })
    await turns()
    assert.deepEqual(states, [])
  })

  it('says why: of the Shield, of the transport, of what is missing', async () => {
    const { change, states } = opened()
    for (const [fields, reason] of [
      [{ state: 'stalled' }, /its heartbeat is late/],
      [{ state: 'gone' }, /the Shield has ended/],
      [{ state: 'live' }, /^the Shield is there$/],
      [{ transport: 'connecting', reason: 'a', state: 'gone' }, /^a$/],
      [{ transport: 'websocket', reason: 'b', state: 'live' }, /^b$/]
    ]) {
      change(fields)
      await turns()
      assert.match(states.at(-1).reason, reason)
    }
    assert.equal(states.length, 5)
  })

  it('while there is nothing, tells what else is missing, since when', async () => {
    let now = 1000
    const { mock: clock } = mock.method(Date, 'now', () => now++)
    try {
      const { change, states } = opened()
      for (const fields of [
        { state: 'stalled' },
        { transport: 'connecting', reason: 'first', state: 'gone' },
        { reason: 'second' },
        { transport: 'shm', state: 'live' }
      ]) {
        change(fields)
        await turns()
      }
      assert.deepEqual(
        states.slice(1, 3).map(({ reason }) => reason),
        ['first', 'second']
      )
      // The stream's first state has the first of them.
      assert.deepEqual(
        states.map(({ since }) => since),
        [1001, 1002, 1002, 1003]
      )
    } finally {
      clock.restore()
    }
  })

  it('keeps its reason while there is something', async () => {
    const { change, states } = opened()
    change({ reason: 'another' })
    await turns()
    assert.deepEqual(states, [])
  })

  it('of one that is closed is that, and is not told', async () => {
    const { change, stream, states } = opened()
    change({ state: 'gone' })
    const closed = stream.close()
    assert.deepEqual(stream.state, {
      ...{ transport: 'closed', writer: 'gone', since: null },
      reason: 'close() was called'
    })
    await closed
    await turns()
    assert.deepEqual(states, [])
  })

  it('is told before the event of the transport is', async () => {
    const { host, source, stream } = opened()
    let told
    stream.on('transport', () => {
      told = stream.state.transport
    })
    source.transport = 'websocket'
    host.transport({ from: 'shm', to: 'websocket', reason: 'why' })
    assert.equal(told, 'websocket')
  })
})

describe('dispose()', () => {
  it('closes, and no listener is called behind it', async () => {
    const { host, source, stream } = opened()
    const called = ['threat', 'lost', 'close', 'state', 'writer', 'error'].map(
      (event) => record(stream, event)
    )
    assert.equal(stream.dispose(), undefined)
    source.count = 5
    host.wake()
    host.lost({ count: 1 })
    await turns()
    await stream.close()
    await turns()
    assert.equal(stream.closed, true)
    assert.equal(source.isClosed, true)
    assert.deepEqual(called, [[], [], [], [], [], []])
  })

  it('within a listener is the end of what that is told', async () => {
    const { host, source, stream } = opened()
    const seen = []
    stream.on('threat', ({ sequence }) => {
      seen.push(sequence)
      stream.dispose()
    })
    source.count = 5
    host.wake()
    await turns()
    assert.deepEqual(seen, [1])
  })

  it('twice is once', async () => {
    const { stream } = opened()
    stream.dispose()
    stream.dispose()
    await stream.close()
  })
})
