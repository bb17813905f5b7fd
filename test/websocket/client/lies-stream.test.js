'use strict'
// A client and a server that knows the token, and lies about where the stream
// stands. Whatever it says, the client delivers nothing twice or out of order,
// and goes on where it was when the server behaves.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../../lib/index.js')
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
      (line, next) => line.threats(threatsOf(next + 1, next + 5)),
      belongs
    ],
    'a sequence that repeats': [
      (line, next) => line.threats(threatsOf(next - 1, next + 5)),
      belongs
    ],
    'all of it again': [
      (line, next) => line.threats(threatsOf(1, next)),
      belongs
    ],
    'the greatest sequence': [(line) => line.threats([threatOf(MAX)]), /./],
    'another generation without a status': [
      (line, next) =>
        line.threats(threatsOf(next, next), { generation: OTHER }),
      belongs
    ],
    'a loss that overlaps': [
      (line, next) => line.lost({ count: 5, from: next - 1, to: next + 3 }),
      belongs
    ],
    'a loss that leaves a gap': [
      (line, next) => line.lost({ count: 5, from: next + 1, to: next + 5 }),
      belongs
    ],
    'a loss of what came': [
      (line) => line.lost({ count: 1, from: 1, to: 1 }),
      belongs
    ],
    'a loss backwards': [
      (line, next) =>
        line
          .lost({ count: -1, from: next, to: next - 2 })
          .threats(threatsOf(next - 1, next)),
      /./
    ],
    'a loss backwards, from further on': [
      (line, next) => line.lost({ count: -3, from: next + 4, to: next }),
      /./
    ],
    'a loss of nothing': [
      (line, next) => line.lost({ count: 0, from: next, to: next - 1 }),
      /./
    ],
    'a loss of nobody knows how many': [
      (line) => line.lost({ count: null, from: null, to: null }),
      belongs
    ],
    'a loss in another generation': [
      (line, next) =>
        line.lost({ count: 1, from: next, to: next, generation: OTHER }),
      belongs
    ],
    'a replaced generation, of what came': [
      (line, next) =>
        line.lost({
          count: next + 9,
          from: 1,
          to: next + 9,
          reason: 'replaced'
        }),
      /./
    ],
    'a replaced generation, with a gap': [
      (line, next) =>
        line.lost({
          count: 1,
          from: next + 5,
          to: next + 5,
          reason: 'replaced'
        }),
      /./
    ],
    'a replaced generation that it never was in': [
      (line, next) =>
        line.lost({
          ...{ count: 9, from: next, to: next + 8, reason: 'replaced' },
          generation: OTHER
        }),
      /./
    ],
    'a status that goes back': [
      (line, next) => line.status({ next: 1 }).threats(threatsOf(1, next)),
      /./
    ],
    'a status that jumps': [
      (line, next) =>
        line.status({ next: next + 5 }).threats(threatsOf(next + 5, next + 9)),
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
        tell: (line, next) =>
          line.threats([
            threatOf(next),
            threatOf(next + 2),
            threatOf(next + 1)
          ]),
        why: belongs,
        brings: 1
      },
      {
        what: 'a repetition in a list',
        tell: (line, next) =>
          line.threats([
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
    'from the beginning': (line, next) =>
      line.status({ next: 1 }).threats(threatsOf(1, next)),
    'with a gap': (line, next) =>
      line.status({ next: next + 3 }).threats(threatsOf(next + 3, next + 5)),
    'with threats and no status': (line, next) =>
      line.threats(threatsOf(next, next)),
    'with a loss and no status': (line, next) =>
      line.lost({ count: 1, from: next, to: next }),
    'with a replaced generation, of what came': (line, next) =>
      line
        .lost({ count: next, from: 1, to: next, reason: 'replaced' })
        .status({ next: 1, generation: OTHER })
  }
  for (const [what, tell] of Object.entries(ANSWERS)) {
    it(`F59 asked to go on, it answers ${what}: seen`, () =>
      assertSeen(closes, { what, tell, why: /./, instead: true }))
  }

  it('F59 a line lost before its first answer: the old is not new', async () => {
    // A Shield was there, so what it had published is not for this client.
    const server = await liar((line, command) => {
      if (line.number === 1) line.socket.terminate()
      else line.serve(command, 20).threats(threatsOf(21, 22))
    })
    const client = await reader({ from: 'latest' })
    await until(() => sequencesOf(client).at(-1) === 22, 'the last one')
    assert.deepEqual(
      server.lines.map(({ commands: [{ from }] }) => from),
      ['latest', 'latest']
    )
    assert.deepEqual(sequencesOf(client), [21, 22])
  })

  it('F59 what was told lost does not come all the same', async () => {
    const server = await liar((line, command) => {
      if (line.number > 1) {
        line.serve(command, 40)
        return
      }
      line.serve(command, 20)
      line.lost({ count: 10, from: 21, to: 30, reason: 'replaced' })
      line.threats(threatsOf(21, 25))
      line.socket.close(1000)
    })
    const client = await reader()
    await until(() => server.lines.length > 1, 'it comes back')
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
    const server = await liar((line, command) => {
      line.serve(command, 20)
      line.lost({ count: MAX - 20, from: 21, to: MAX })
    })
    const client = await reader()
    await until(() => client.stats().received === 20, 'what is true')
    await assertNext(client, server)
  })

  it('F59 the last number of all comes: the next Shield is heard', async () => {
    const server = await liar((line) => {
      line.status({ next: MAX }).threats([threatOf(MAX)])
    })
    const client = await reader({ from: 'latest' })
    await until(() => server.lines[0]?.commands.length === 1, 'a client')
    await assertNext(client, server)
  })

  for (const [what, tell] of Object.entries({
    losses: (line, i) => line.lost({ count: 1, from: i, to: i }),
    generations: (line, i) =>
      line.status({ next: 1, generation: i % 2 === 0 ? OTHER : GENERATION })
  })) {
    it(`F57 a flood of ${what} that nobody takes: few of them wait`, async () => {
      const client = ring().keep(
        await IpcFactory.createClient({ dir: ring().dir, preferShm: false })
      )
      let line = null
      await liar((one) => {
        line = one
        one.status({ next: 1 })
      })
      await until(() => client.stats().transport === 'websocket', 'a client')
      const source = client._source.websocket
      for (let i = 1; i <= 60_000 && !line.closed; i++) {
        tell(line, i)
        if (i % 200 === 0) await turn()
        assert(source._queue.length < 10_000, `${source._queue.length} wait`)
      }
    })
  }

  // --- Generations that come again ------------------------------------------

  for (const [what, again] of Object.entries({
    'from its first on': 1,
    'behind what nobody sent': 9
  })) {
    it(`F60 a stream that comes again ${what}: asked for where it was`, async () => {
      const server = await liar((line, command) => {
        if (line.number > 1) {
          line.serve(command, 6)
          return
        }
        line.serve(command, 3)
        line.lost({ reason: 'replaced', count: null, from: null, to: null })
        const other = { generation: OTHER }
        line.status({ ...other, next: 1 }).threats(threatsOf(1, 2), other)
        line.lost({ ...other, reason: 'replaced', count: 1, from: 3, to: 3 })
        line.status({ next: again }).threats(threatsOf(again, again))
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
      const [, second] = server.lines
      assert.deepEqual(second.commands, [
        { type: 'subscribe', generation: GENERATION, from: 4 }
      ])
      assert.equal(client.stats().errors.websocket, null)
    })
  }
})
