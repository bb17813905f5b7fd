'use strict'
// How many commands of one client are run, and when it is read again.

const assert = require('node:assert/strict')
const { CommandGate } = require('../../../lib/websocket/server/command-gate.js')
const { useClock } = require('../../helpers/clock.js')

const AT_ONCE = 64
const WAIT_MS = 100
// What comes back in that time, of a hundred in a second.
const IN_WAIT = 10

describe('F71 the commands of one client', () => {
  const clock = useClock()
  let socket
  let ran
  let gate

  beforeEach(() => {
    clock.begin()
    socket = {
      isPaused: false,
      pause() {
        this.isPaused = true
      },
      resume() {
        this.isPaused = false
      }
    }
    ran = 0
    gate = new CommandGate(socket, () => ran++)
  })

  function command(count) {
    for (let i = 0; i < count; i++) gate.command(Buffer.from('x'), false)
  }

  it('64 at once are run, and it is read on', () => {
    command(AT_ONCE)
    assert.equal(ran, AT_ONCE)
    assert.deepEqual([socket.isPaused, gate.waitingSince], [false, null])
  })

  it('the next one waits for 100 ms, and so does what comes', () => {
    clock.advance(7)
    command(AT_ONCE + 1)
    assert.equal(ran, AT_ONCE)
    assert.deepEqual([socket.isPaused, gate.waitingSince], [true, 7])
    clock.advance(WAIT_MS - 1)
    assert.deepEqual([ran, socket.isPaused], [AT_ONCE, true])
    clock.advance(1)
    assert.deepEqual([ran, socket.isPaused], [AT_ONCE + 1, false])
  })

  it('then ten each time, until none waits', () => {
    command(AT_ONCE + IN_WAIT + 1)
    clock.advance(WAIT_MS)
    assert.deepEqual([ran, socket.isPaused], [AT_ONCE + IN_WAIT, true])
    clock.advance(WAIT_MS)
    assert.deepEqual([ran, socket.isPaused], [AT_ONCE + IN_WAIT + 1, false])
  })

  it('one in 10 ms is never too fast', () => {
    command(AT_ONCE)
    for (let i = 1; i <= 1000; i++) {
      clock.advance(10)
      command(1)
      assert.deepEqual([ran, socket.isPaused], [AT_ONCE + i, false])
    }
  })

  it('no more than 64 are saved up, however long it is quiet', () => {
    clock.advance(100_000)
    command(AT_ONCE + 1)
    assert.deepEqual([ran, socket.isPaused], [AT_ONCE, true])
  })

  it('it was too fast until half of them are there again', () => {
    command(AT_ONCE + 1)
    clock.advance(WAIT_MS)
    // Nine are left of ten. At 32 it is well again.
    const wellAt = WAIT_MS + 230
    clock.advance(wellAt - WAIT_MS - 1)
    assert.equal(gate.waitingSince, 0)
    clock.advance(1)
    assert.equal(gate.waitingSince, null)
  })

  it('what is closed runs nothing more, and reads the other end’s close', () => {
    command(AT_ONCE + 5)
    assert.equal(socket.isPaused, true)
    gate.close()
    assert.equal(socket.isPaused, false)
    command(5)
    clock.advance(1000)
    assert.equal(ran, AT_ONCE)
    // Not even a ping pauses it any more.
    for (let i = 0; i < 2 * AT_ONCE; i++) gate.take()
    assert.equal(socket.isPaused, false)
  })

  it('a command that closes it is the last one', () => {
    gate = new CommandGate(socket, () => {
      ran++
      if (ran === AT_ONCE + 1) gate.close()
    })
    command(AT_ONCE + 5)
    clock.advance(WAIT_MS)
    assert.equal(ran, AT_ONCE + 1)
  })
})
