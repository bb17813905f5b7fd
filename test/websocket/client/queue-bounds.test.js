'use strict'
// When what waits for a client is enough, and when there is room again.

const assert = require('node:assert/strict')
const { ThreatQueue } = require('../../../lib/websocket/client/queue.js')

const FULL_AT = 2048
const ROOM_AT = 512
const MIB = 2 ** 20
const FULL_BYTES = 8 * MIB
const ROOM_BYTES = 2 * MIB

describe('F57 a WebSocket queue', () => {
  let queue

  beforeEach(() => {
    queue = new ThreatQueue()
  })

  function push(count, bytes = 0) {
    for (let i = 0; i < count; i++) queue.push({}, bytes)
  }

  function shift(count) {
    for (let i = 0; i < count; i++) queue.shift()
  }

  it('is full with 2048 threats, and has room with 512', () => {
    push(FULL_AT - 1)
    assert.equal(queue.isFull, false)
    push(1)
    assert.equal(queue.isFull, true)
    shift(FULL_AT - ROOM_AT - 1)
    assert.deepEqual([queue.length, queue.hasRoom], [ROOM_AT + 1, false])
    shift(1)
    assert.equal(queue.hasRoom, true)
  })

  it('is full with 8 MiB, and has room with 2', () => {
    push(1, FULL_BYTES - ROOM_BYTES - 1)
    push(1, 1)
    push(1, ROOM_BYTES - 1)
    assert.equal(queue.isFull, false)
    push(1, 1)
    assert.equal(queue.isFull, true)
    push(1, 1)
    shift(2)
    assert.deepEqual([queue.length, queue.hasRoom], [3, false])
    shift(1)
    assert.equal(queue.hasRoom, true)
  })

  it('has room with exactly 2 MiB', () => {
    push(1, ROOM_BYTES)
    assert.equal(queue.hasRoom, true)
    push(1, 1)
    assert.equal(queue.hasRoom, false)
  })
})
