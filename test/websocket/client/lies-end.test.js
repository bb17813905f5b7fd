'use strict'
// A client and a server that says nothing more, or goes away at any point: the
// client gives it up, says why, and goes on where it was.

const assert = require('node:assert/strict')
const net = require('node:net')
const path = require('node:path')
const { threat } = require('../../helpers/ring.js')
const { numbers } = require('../../helpers/sequences.js')
const { record, turn, until } = require('../../helpers/wait.js')
const {
  MAX,
  sequencesOf,
  shieldIn,
  useLiar
} = require('../../helpers/websocket-lies.js')

describe('WebSocket client and a server that lies', () => {
  const { assertIgnored, assertSeen, assertWhole, liar, listen, reader, ring } =
    useLiar()

  // --- Silence ---------------------------------------------------------------------

  /** What `act` does with its first connection makes the client give it up. */
  async function assertGivenUp(act, why, options) {
    let client = null
    let said = ''
    const server = await liar((connection, command) => {
      if (connection.number === 1) {
        act(connection, command)
      } else {
        said ||= client.stats().errors.websocket.message
        connection.serve(command, 40)
      }
    })
    client = await reader(options)
    await until(() => server.connections.length > 1, 'it gives that one up')
    await until(() => client.stats().received >= 40, 'the rest')
    assert.match(said, why)
    assertWhole(client, 40)
  }

  it('F57 silence without a heartbeat: given up', () =>
    assertGivenUp((connection, command) => {
      connection.serve(command, 20).status({ heartbeatMs: 40 })
    }, /no sign of life/))

  it('F57 a heartbeat that nobody could keep: given up', () =>
    assertGivenUp((connection, command) => {
      connection.serve(command, 20).status({ heartbeatMs: 1 })
    }, /no sign of life/))

  it('F57 silence in the place of a first answer: given up', () =>
    assertGivenUp(() => {}, /./, { websocket: { handshakeTimeoutMs: 200 } }))

  it('F57 the patience is two and a half heartbeats', async () => {
    const delays = []
    const { setTimeout: real } = globalThis
    globalThis.setTimeout = (action, delay, ...rest) => {
      delays.push(delay)
      return real(action, delay, ...rest)
    }
    try {
      await assertIgnored((connection) => {
        connection.status({ heartbeatMs: 40_000 })
      })
    } finally {
      globalThis.setTimeout = real
    }
    assert(delays.includes(100_000))
  })

  it('F57 a heartbeat without measure is no heartbeat: it goes on', async () => {
    const warnings = record(process, 'warning')
    await assertIgnored((connection) => {
      for (const heartbeatMs of [1e9, 2 ** 31, 2 ** 32 + 1, MAX]) {
        connection.status({ heartbeatMs })
      }
    })
    await turn()
    assert.deepEqual(warnings, [])
  })

  // --- The end at any point -------------------------------------------------------------

  for (const [what, code, reason, why] of [
    ['a close', 1000, 'good-bye', /good-bye/],
    ['a close without a reason', 1001, '', /closed/],
    ['an eviction', 1013, 'nothing was taken', /nothing was taken/]
  ]) {
    it(`F57 F59 ${what}: told, and it comes back`, () =>
      assertSeen({
        what,
        tell: (connection) => {
          connection.say({
            type: 'error',
            code: 'ERR_EVICTED',
            message: reason
          })
          connection.socket.close(code, reason)
        },
        why,
        code: 'ERR_WEBSOCKET_CLOSED'
      }))
  }

  /**
   * Hands everything on to `port`, but ends the connection in which the
   * `limit`-th byte of the server passes; from then on it is faithful.
   */
  async function cutter(port, limit, end) {
    let passed = 0
    const one = await listen((socket) => {
      const there = net.connect(port, '127.0.0.1')
      there.on('error', () => {})
      socket.pipe(there)
      there.on('end', () => socket.end())
      there.on('data', (chunk) => {
        const before = passed
        passed += chunk.length
        if (before < limit && passed >= limit) {
          passed = Infinity
          there.destroy()
          socket.write(chunk.subarray(0, limit - before), () => socket[end]())
        } else {
          socket.write(chunk)
        }
      })
      socket.on('close', () => there.destroy())
    })
    one.passed = () => passed
    return one
  }

  for (const end of ['end', 'resetAndDestroy']) {
    it(`F59 cut anywhere, by ${end}(): exact`, async function () {
      // Two hundred clients, each of which connects twice.
      this.timeout(120_000)
      const EVENTS = 30
      const shield = await shieldIn(ring())
      for (let i = 1; i <= EVENTS; i++) shield.writeThreat(threat(`${i}`))
      const { port } = shield.stats().websocket
      const tokenFile = path.join(ring().dir, 'kindly-guard.json')
      const cutAt = async (limit) => {
        const { url, passed, close } = await cutter(port, limit, end)
        const client = await reader({ websocket: { url, tokenFile } })
        await until(
          () => client.stats().received >= EVENTS,
          `all, cut after ${limit} bytes`
        )
        assert.deepEqual(sequencesOf(client), numbers(1, EVENTS), `${limit}`)
        assert.deepEqual(client.losses, [])
        await Promise.all([client.close(), close()])
        return passed()
      }
      const whole = await cutAt(Infinity)
      assert(whole > 5000 && whole < Infinity)
      // Both handshakes and the status densely, then the threats.
      const limits = numbers(1, whole - 1).filter(
        (at) => at % (at < 1100 ? 7 : 251) === 0
      )
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          while (limits.length > 0) {
            assert.equal(await cutAt(limits.pop()), Infinity, 'it was cut')
          }
        })
      )
      // As the Shield sees it, a client that was cut off is not there any more.
      await until(() => shield.stats().websocket.clients === 0, 'all are gone')
    })
  }
})
