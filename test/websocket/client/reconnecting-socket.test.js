'use strict'
// When a client that finds no server tries again, by a clock of the test's.

const assert = require('node:assert/strict')
const { IpcError } = require('../../../lib/index.js')
const {
  ReconnectingSocket
} = require('../../../lib/websocket/client/reconnecting-socket.js')
const { Clock } = require('../../helpers/clock.js')

const FIRST_MS = 25
const LAST_MS = 2000

describe('WebSocket client without a server', () => {
  const { random } = Math
  let clock

  beforeEach(() => {
    clock = new Clock().install({ immediates: true })
  })

  afterEach(() => {
    clock.restore()
    Math.random = random
  })

  /** A socket; each `attempt()` is the next one, and has failed. */
  function failing() {
    let failures = 0
    const nobody = () => {
      throw new IpcError('ERR_WEBSOCKET_UNREACHABLE', 'nobody')
    }
    const failed = () => failures++
    const socket = new ReconnectingSocket(nobody, { failed }, 1000)
    const attempt = async () => {
      const before = failures
      if (before === 0) socket.connect()
      else clock.tick()
      // As many microtasks as a promise that rejects could take.
      for (let i = 0; i < 100 && failures === before; i++) await null
      assert.equal(failures, before + 1, 'it tried again')
    }
    return { socket, attempt }
  }

  /** The delays behind `attempts` attempts, all of which fail. */
  async function delaysOf(attempts) {
    const { socket, attempt } = failing()
    clock.delays = []
    for (let i = 0; i < attempts; i++) await attempt()
    socket.close()
    return clock.delays
  }

  it('it tries for ever, in the end every two seconds', async () => {
    Math.random = () => 1
    const delays = await delaysOf(20_000)
    const doubled = delays.map((_, i) => Math.min(FIRST_MS * 2 ** i, LAST_MS))
    assert.deepEqual(delays, doubled)
  })

  it('up to a half of each delay is random', async () => {
    Math.random = () => 0
    const shortest = await delaysOf(9)
    Math.random = () => 1
    const longest = await delaysOf(9)
    assert.deepEqual(
      shortest,
      longest.map((delay) => delay / 2)
    )
  })

  it('clients that lose their server at once come back apart', async () => {
    const clients = []
    for (let i = 0; i < 8; i++) clients.push((await delaysOf(3)).join())
    assert.equal(new Set(clients).size, 8)
  })

  it('behind a success the delays begin anew', async () => {
    Math.random = () => 1
    const { socket, attempt } = failing()
    for (let i = 0; i < 6; i++) await attempt()
    socket.settle()
    clock.delays = []
    await attempt()
    assert.deepEqual(clock.delays, [FIRST_MS])
    socket.close()
    assert.equal(clock.timers.size, 0)
  })
})
