'use strict'
// Connections that have proved nothing, by count and by turns of the event loop.

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const {
  UnprovenConnections
} = require('../../../lib/websocket/server/unproven.js')
const { numbers } = require('../../helpers/sequences.js')
const { turn } = require('../../helpers/wait.js')

// How many there are, but for those that came just now; and at any time.
const MOST = 64
const MOST_IN_ALL = 1024
const LONG_MS = 3_600_000

class Socket extends EventEmitter {
  isDestroyed = false

  destroy() {
    this.isDestroyed = true
    this.emit('close')
  }
}

describe('F67 connections that prove nothing', () => {
  let unproven
  let sockets
  let crowdedOut

  beforeEach(() => {
    crowdedOut = 0
    sockets = []
    unproven = new UnprovenConnections(() => crowdedOut++)
  })

  afterEach(() => unproven.destroyAll())

  function add(count) {
    for (let i = 0; i < count; i++) {
      const socket = new Socket()
      sockets.push(socket)
      unproven.add(socket, LONG_MS, assert.fail)
    }
  }

  /** Which of them had to go, from 1. */
  const gone = () =>
    sockets.flatMap(({ isDestroyed }, i) => (isDestroyed ? [i + 1] : []))

  async function turns(count) {
    for (let i = 0; i < count; i++) await turn()
  }

  it('64 may stay, however long', async () => {
    add(MOST)
    await turns(20)
    assert.deepEqual(gone(), [])
    assert.equal(unproven.size, MOST)
  })

  it('of more, the oldest go, and not before their second turn', async () => {
    add(MOST + 3)
    await turns(1)
    assert.deepEqual(gone(), [])
    await turns(1)
    assert.deepEqual(gone(), numbers(1, 3))
    await turns(20)
    assert.deepEqual([gone(), crowdedOut], [numbers(1, 3), 3])
  })

  it('who comes later has its turns, too', async () => {
    add(MOST)
    await turns(5)
    add(2)
    await turns(2)
    assert.deepEqual(gone(), numbers(1, 2))
    // All at once, none of them older than the others.
    add(MOST)
    await turns(3)
    assert.deepEqual(gone(), numbers(1, MOST + 2))
  })

  it('1024 in one turn stay for it; of more, the oldest go at once', () => {
    add(MOST_IN_ALL)
    assert.deepEqual(gone(), [])
    add(2)
    assert.deepEqual([gone(), crowdedOut], [numbers(1, 2), 2])
  })

  it('one that proved itself, or is gone, makes way for another', async () => {
    add(MOST + 2)
    unproven.delete(sockets[5])
    sockets[6].destroy()
    await turns(20)
    assert.deepEqual([gone(), crowdedOut], [[7], 0])
    assert.equal(unproven.has(sockets[5]), false)
    assert.equal(unproven.begin(sockets[5]), false)
  })

  it('each has one request', () => {
    add(1)
    assert.equal(unproven.begin(sockets[0]), true)
    assert.equal(unproven.begin(sockets[0]), false)
  })
})
