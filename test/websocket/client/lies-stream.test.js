'use strict'
// A client and a server that knows the token, and lies about where the stream
// stands. Whatever it says, the client delivers nothing twice or out of order,
// and goes on where it was when the server behaves.

const assert = require('node:assert/strict')
const { Progress } = require('../../../lib/stream/positions.js')
const { WebSocketSource } = require('../../../lib/websocket/client/source.js')
const { locator } = require('../../../lib/websocket/locate.js')
const { threat } = require('../../helpers/ring.js')
const { numbers } = require('../../helpers/sequences.js')
const { turn, until } = require('../../helpers/wait.js')
const {
  GENERATION,
  MAX,
  OTHER,
  sequencesOf,
  shieldIn,
  useLiar
} = require('../../helpers/websocket-lies.js')
const { threatOf, threatsOf } = require('../../helpers/websocket-peer.js')

describe('WebSocket client and a server that lies', () => {
  const { assertSeen, liar, reader, ring } = useLiar()

  const closes = {
    what: 'it closes',
    tell: ({ socket }) => socket.terminate(),
    why: /closed/,
    code: 'ERR_WEBSOCKET_CLOSED'
  }

  // --- The stream ------------------------------------------------------------------

  const belongs = /came where/
  const STREAM = {
    'a sequence that jumps': [
      (connection, next) => connection.threats(threatsOf(next + 1, next + 5)),
      belongs
    ],
    'a sequence that repeats': [
      (connection, next) => connection.threats(threatsOf(next - 1, next + 5)),
      belongs
    ],
    'all of it again': [
      (connection, next) => connection.threats(threatsOf(1, next)),
      belongs
    ],
    'the greatest sequence': [
      (connection) => connection.threats([threatOf(MAX)]),
      /./
    ],
    'another generation without a status': [
      (connection, next) =>
        connection.threats(threatsOf(next, next), { generation: OTHER }),
      belongs
    ],
    'a loss that overlaps': [
      (connection, next) =>
        connection.lost({ count: 5, from: next - 1, to: next + 3 }),
      belongs
    ],
    'a loss that leaves a gap': [
      (connection, next) =>
        connection.lost({ count: 5, from: next + 1, to: next + 5 }),
      belongs
    ],
    'a loss of what came': [
      (connection) => connection.lost({ count: 1, from: 1, to: 1 }),
      belongs
    ],
    'a loss backwards': [
      (connection, next) =>
        connection
          .lost({ count: -1, from: next, to: next - 2 })
          .threats(threatsOf(next - 1, next)),
      /./
    ],
    'a loss backwards, from further on': [
      (connection, next) =>
        connection.lost({ count: -3, from: next + 4, to: next }),
      /./
    ],
    'a loss of nothing': [
      (connection, next) =>
        connection.lost({ count: 0, from: next, to: next - 1 }),
      /./
    ],
    'a loss of nobody knows how many': [
      (connection) => connection.lost({ count: null, from: null, to: null }),
      belongs
    ],
    'a loss in another generation': [
      (connection, next) =>
        connection.lost({ count: 1, from: next, to: next, generation: OTHER }),
      belongs
    ],
    'a replaced generation, of what came': [
      (connection, next) =>
        connection.lost({
          count: next + 9,
          from: 1,
          to: next + 9,
          reason: 'replaced'
        }),
      /./
    ],
    'a replaced generation, with a gap': [
      (connection, next) =>
        connection.lost({
          count: 1,
          from: next + 5,
          to: next + 5,
          reason: 'replaced'
        }),
      /./
    ],
    'a replaced generation that it never was in': [
      (connection, next) =>
        connection.lost({
          ...{ count: 9, from: next, to: next + 8, reason: 'replaced' },
          generation: OTHER
        }),
      /./
    ],
    'a status that goes back': [
      (connection, next) =>
        connection.status({ next: 1 }).threats(threatsOf(1, next)),
      /./
    ],
    'a status that jumps': [
      (connection, next) =>
        connection
          .status({ next: next + 5 })
          .threats(threatsOf(next + 5, next + 9)),
      /./
    ]
  }
  for (const [what, [tell, why]] of Object.entries(STREAM)) {
    it(`F59 ${what}: seen`, () =>
      assertSeen({ what, tell, why }, { what: `${what}, again`, tell, why }))
  }

  it('F59 what is right in front of a jump counts', () =>
    assertSeen(
      {
        what: 'a jump in a list',
        tell: (connection, next) =>
          connection.threats([
            threatOf(next),
            threatOf(next + 2),
            threatOf(next + 1)
          ]),
        why: belongs,
        brings: 1
      },
      {
        what: 'a repetition in a list',
        tell: (connection, next) =>
          connection.threats([
            threatOf(next),
            threatOf(next + 1),
            threatOf(next + 1)
          ]),
        why: belongs,
        brings: 2
      }
    ))

  // In the place of an answer to "go on with next".
  const ANSWERS = {
    'from the beginning': (connection, next) =>
      connection.status({ next: 1 }).threats(threatsOf(1, next)),
    'with a gap': (connection, next) =>
      connection
        .status({ next: next + 3 })
        .threats(threatsOf(next + 3, next + 5)),
    'with threats and no status': (connection, next) =>
      connection.threats(threatsOf(next, next)),
    'with a loss and no status': (connection, next) =>
      connection.lost({ count: 1, from: next, to: next }),
    'with a replaced generation, of what came': (connection, next) =>
      connection
        .lost({ count: next, from: 1, to: next, reason: 'replaced' })
        .status({ next: 1, generation: OTHER })
  }
  for (const [what, tell] of Object.entries(ANSWERS)) {
    it(`F59 asked to go on, it answers ${what}: seen`, () =>
      assertSeen(closes, { what, tell, why: /./, instead: true }))
  }

  it('F59 a connection lost before its first answer: the old is not new', async () => {
    // A Shield was there, so what it had published is not for this client.
    const server = await liar((connection, command) => {
      if (connection.number === 1) connection.socket.terminate()
      else connection.serve(command, 20).threats(threatsOf(21, 22))
    })
    const client = await reader({ from: 'latest' })
    await until(() => sequencesOf(client).at(-1) === 22, 'the last one')
    assert.deepEqual(
      server.connections.map(({ commands: [{ from }] }) => from),
      ['latest', 'latest']
    )
    assert.deepEqual(sequencesOf(client), [21, 22])
  })

  it('F59 what was told lost does not come all the same', async () => {
    const server = await liar((connection, command) => {
      if (connection.number > 1) {
        connection.serve(command, 40)
        return
      }
      connection.serve(command, 20)
      connection.lost({ count: 10, from: 21, to: 30, reason: 'replaced' })
      connection.threats(threatsOf(21, 25))
      connection.socket.close(1000)
    })
    const client = await reader()
    await until(() => server.connections.length > 1, 'it comes back')
    await until(() => sequencesOf(client).at(-1) === 40, 'the last one')
    const came = sequencesOf(client)
    assert.deepEqual(
      came,
      [...came].sort((a, b) => a - b)
    )
    const lost = client.losses.flatMap(({ from, to }) => numbers(from, to))
    const all = [...came, ...lost].sort((a, b) => a - b)
    assert.deepEqual(all, numbers(1, 40))
  })

  // --- Numbers without measure -------------------------------------------------------

  /** A Shield that behaves comes in the place of the liar. */
  async function assertNext(client, server) {
    await server.close()
    const shield = await shieldIn(ring())
    shield.writeThreats(['a', 'b', 'c'].map((details) => threat(details)))
    const { generation } = shield.stats()
    await until(
      () => client.threats.at(-1)?.id === `${generation}-3`,
      'what the Shield publishes'
    )
    assert.deepEqual(
      client.threats.slice(-3).map(({ details }) => details),
      ['a', 'b', 'c']
    )
  }

  it('F59 all to the last number is lost: the next Shield is heard', async () => {
    const server = await liar((connection, command) => {
      connection.serve(command, 20)
      connection.lost({ count: MAX - 20, from: 21, to: MAX })
    })
    const client = await reader()
    await until(() => client.stats().received === 20, 'what is true')
    await assertNext(client, server)
  })

  it('F59 the last number of all comes: the next Shield is heard', async () => {
    const server = await liar((connection) => {
      connection.status({ next: MAX }).threats([threatOf(MAX)])
    })
    const client = await reader({ from: 'latest' })
    await until(() => server.connections[0]?.commands.length === 1, 'a client')
    await assertNext(client, server)
  })

  for (const [what, tell] of Object.entries({
    losses: (connection, i) => connection.lost({ count: 1, from: i, to: i }),
    generations: (connection, i) =>
      connection.status({
        next: 1,
        generation: i % 2 === 0 ? OTHER : GENERATION
      })
  })) {
    it(`F57 a flood of ${what} that nobody takes: few of them wait`, async () => {
      let connection = null
      await liar((one) => {
        connection = one
        one.status({ next: 1 })
      })
      const host = { wake() {}, connected() {}, disconnected() {} }
      const source = new WebSocketSource(
        locator({ dir: ring().dir }, {}),
        host,
        {
          handshakeTimeoutMs: 10_000,
          progress: new Progress()
        }
      )
      ring().keep(source)
      await until(() => source.connected, 'a client')
      for (let i = 1; i <= 60_000 && !connection.closed; i++) {
        tell(connection, i)
        if (i % 200 === 0) await turn()
        assert(source.waiting < 10_000, `${source.waiting} wait`)
      }
    })
  }

  // --- Generations that come again ------------------------------------------

  for (const [what, again] of Object.entries({
    'from its first on': 1,
    'behind what nobody sent': 9
  })) {
    it(`F60 a stream that comes again ${what}: asked for where it was`, async () => {
      const server = await liar((connection, command) => {
        if (connection.number > 1) {
          connection.serve(command, 6)
          return
        }
        connection.serve(command, 3)
        connection.lost({
          reason: 'replaced',
          count: null,
          from: null,
          to: null
        })
        const other = { generation: OTHER }
        connection.status({ ...other, next: 1 }).threats(threatsOf(1, 2), other)
        connection.lost({
          ...other,
          reason: 'replaced',
          count: 1,
          from: 3,
          to: 3
        })
        connection.status({ next: again }).threats(threatsOf(again, again))
      })
      const client = await reader()
      await until(() => client.stats().received === 8, 'all of both')
      assert.deepEqual(sequencesOf(client), [1, 2, 3, 1, 2, 4, 5, 6])
      assert.deepEqual(
        client.losses.map(({ count, generation }) => [count, generation]),
        [
          [null, GENERATION],
          [1, OTHER]
        ]
      )
      const [, second] = server.connections
      assert.deepEqual(second.commands, [
        {
          type: 'subscribe',
          generation: GENERATION,
          from: 4,
          maxEventBytes: 2 ** 20
        }
      ])
      assert.equal(client.stats().errors.websocket, null)
    })
  }
})
