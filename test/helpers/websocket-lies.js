'use strict'
// A client and a server that knows the token and lies to it, and whether the
// client saw that.

const assert = require('node:assert/strict')
const net = require('node:net')
const { IpcFactory } = require('../../lib/index.js')
const { useRing } = require('./ring.js')
const { numbers } = require('./sequences.js')
const { record, until } = require('./wait.js')
const { Liar, LONG_MS, threatsOf } = require('./websocket-peer.js')

// The sequence of a heartbeat that only who still believes the server reads.
const MARK = 4242

const GENERATION = '0123456789abcdef'
const OTHER = 'f0f0f0f0f0f0f0f0'
const MAX = Number.MAX_SAFE_INTEGER

const sequencesOf = ({ threats }) => threats.map(({ sequence }) => sequence)

async function shieldIn(place) {
  const shield = place.keep(
    IpcFactory.createTransport({
      dir: place.dir,
      preferShm: false,
      websocket: { port: 0 }
    })
  )
  await shield.ready()
  return shield
}

/** In a `describe`: what the test that runs makes its liars and clients by. */
function useLiar() {
  const ring = useRing()

  async function liar(answer, generation = GENERATION) {
    const one = ring().keep(new Liar(ring().dir, answer, generation))
    return one.listen()
  }

  /** A client, and all that it emits. */
  async function reader(options) {
    const client = ring().keep(
      await IpcFactory.createClient({
        dir: ring().dir,
        preferShm: false,
        from: 'oldest',
        ...options
      })
    )
    client.threats = record(client, 'threat')
    client.losses = record(client, 'lost')
    client.moves = record(client, 'transport')
    return client
  }

  /** Each event up to `last` came, once, in order, and the client is well. */
  function assertWhole(client, last) {
    assert.deepEqual(sequencesOf(client), numbers(1, last))
    assert.deepEqual(client.losses, [])
    const { received, lost, errors, transport } = client.stats()
    assert.deepEqual(
      { received, lost, error: errors.websocket, transport },
      { received: last, lost: 0, error: null, transport: 'websocket' }
    )
  }

  /**
   * One client that is told one lie after the other. Each connection brings
   * one true threat and then a lie; the client has to hang up, say why, and
   * come back to where it was. In the end the server behaves.
   * @param {{ what: string, tell: (connection: object, next: number) => void,
   *   why: RegExp, code?: string, instead?: boolean, brings?: number }[]} lies
   *   `tell`: `next` is the sequence that is due. `instead` of an answer to
   *   the subscribe. `brings`: true threats that come with the lie
   */
  async function assertSeen(...lies) {
    let client = null
    let total = 0
    const wrong = []
    const check = ({ what, why, code = 'ERR_WEBSOCKET_REFUSED' }, command) => {
      const { transport, errors } = client.stats()
      const { message } = errors.websocket
      const { type, from, generation } = command
      const expected = {
        type: 'subscribe',
        from: total + 1,
        generation: GENERATION
      }
      try {
        assert.equal(transport, 'connecting')
        assert(code === null || errors.websocket.code === code, message)
        assert.match(message, why)
        assert.deepEqual({ type, from, generation }, expected)
      } catch (error) {
        wrong.push(`${what}: ${error.message}`)
      }
    }
    const server = await liar((connection, command) => {
      const before = lies[connection.number - 2]
      const lie = lies[connection.number - 1]
      total += before?.brings ?? 0
      if (before !== undefined) check(before, command)
      if (!lie?.instead) connection.serve(command, ++total)
      lie?.tell(connection, total + 1)
      if (lie !== undefined) connection.heartbeat(MARK)
    })
    // A large lie takes this process a while, which is no silence of its server.
    client = await reader({ websocket: { handshakeTimeoutMs: LONG_MS } })
    const isOver = () =>
      server.connections.length > lies.length &&
      client.stats().transport === 'websocket' &&
      client.stats().received === total
    const isMarked = () => client.stats().published === MARK
    await until(() => isOver() || isMarked(), 'it sees through all of them')
    if (isMarked()) {
      assert.fail(`it believed: ${lies[server.connections.length - 1].what}`)
    }
    assert.deepEqual(wrong, [])
    assertWhole(client, total)
    assert.equal(server.connections.length, lies.length + 1)
    for (const { commands } of server.connections) {
      assert.equal(commands.length, 1)
    }
  }

  /** The client goes on with the same connection. */
  async function assertIgnored(tell) {
    const server = await liar((connection, command) => {
      tell(connection.serve(command, 20))
      connection.threats(threatsOf(21, 40)).heartbeat(MARK)
    })
    const client = await reader()
    await until(() => client.stats().published === MARK, 'the mark')
    await until(() => client.stats().received >= 40, 'the rest')
    assertWhole(client, 40)
    assert.equal(server.connections.length, 1)
  }

  /** Whether the client hangs up or not, it gets all when that was over. */
  async function assertSurvived(tell) {
    const server = await liar((connection, command) => {
      if (connection.number === 1) {
        tell(connection.serve(command, 20))
        connection.threats(threatsOf(21, 40))
      } else {
        connection.serve(command, 40)
      }
    })
    const client = await reader()
    await until(() => client.stats().received >= 40, 'the rest')
    assertWhole(client, 40)
    assert(server.connections.length <= 2)
  }

  /** Somebody who listens, closed after the test. */
  async function listen(accept) {
    const sockets = new Set()
    const server = net.createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => sockets.delete(socket))
      accept(socket)
    })
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address()
    return ring().keep({
      port,
      url: `ws://127.0.0.1:${port}`,
      close: () => {
        for (const socket of sockets) socket.destroy()
        return new Promise((resolve) => {
          server.close(resolve)
        })
      }
    })
  }

  return {
    assertIgnored,
    assertSeen,
    assertSurvived,
    assertWhole,
    liar,
    listen,
    reader,
    ring
  }
}

module.exports = {
  GENERATION,
  MAX,
  OTHER,
  sequencesOf,
  shieldIn,
  useLiar
}
