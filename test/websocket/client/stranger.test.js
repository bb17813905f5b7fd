'use strict'
// A client, and a stranger at the port of a Shield that is gone: it gets
// nothing of the token, and gives nothing.

const assert = require('node:assert/strict')
const http = require('node:http')
const net = require('node:net')
const { WebSocketServer } = require('ws')
const { TestRing, threat } = require('../../helpers/ring.js')
const { numbers } = require('../../helpers/sequences.js')
const { until } = require('../../helpers/wait.js')
const {
  GENERATION,
  shieldIn,
  useLiar
} = require('../../helpers/websocket-lies.js')
const {
  discovered,
  Liar,
  LONG_MS,
  threatsOf
} = require('../../helpers/websocket-peer.js')

describe('WebSocket client and a server that lies', () => {
  const { assertWhole, listen, reader, ring } = useLiar()

  // --- A stranger -------------------------------------------------------------------

  const threatsOfStranger = [
    JSON.stringify({
      type: 'status',
      generation: GENERATION,
      sequence: 9,
      next: 1,
      heartbeatMs: LONG_MS
    }),
    JSON.stringify({
      type: 'threat',
      generation: GENERATION,
      threats: threatsOf(1, 9)
    })
  ]

  /** A server of the given port; it is closed after the test. */
  const listening = async (server) => {
    ring().keep({
      close: () => {
        server.closeAllConnections()
        server.close()
      }
    })
    await new Promise((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    return server.address().port
  }

  // Each resolves with its port. `token` is that of the discovery file.
  const STRANGERS = {
    'a web server': () =>
      listening(
        http.createServer((_request, response) => {
          response.end(threatsOfStranger.join('\n'))
        })
      ),
    'a WebSocket server that asks for no proof': () => {
      const server = http.createServer()
      new WebSocketServer({ server }).on('connection', (socket) => {
        for (const text of threatsOfStranger) socket.send(text)
      })
      return listening(server)
    },
    'a Shield with another token': async () => {
      const { shield } = await otherShield()
      return shield.stats().websocket.port
    },
    'somebody who never answers': async () => (await listen(() => {})).port,
    'somebody who hangs up': async () =>
      (await listen((socket) => socket.destroy())).port
  }

  /** A Shield of a directory of its own, which has published something. */
  async function otherShield() {
    const place = new TestRing()
    ring().keep({ close: () => place.remove() })
    const shield = await shieldIn(place)
    shield.writeThreats(['x', 'y'].map((details) => threat(details)))
    return { shield, ...discovered(place.dir) }
  }

  /**
   * The port that a Shield had which is gone: the server at `port` has it, and
   * `requests` is what each connection brings there.
   */
  async function succeed(port, token) {
    const requests = []
    const front = await listen((socket) => {
      const i = requests.push('') - 1
      const there = net.connect(port, '127.0.0.1')
      there.on('error', () => {})
      socket.on('data', (chunk) => {
        requests[i] += chunk.toString('latin1')
      })
      socket.on('close', () => there.destroy())
      there.on('close', () => socket.end())
      socket.pipe(there).pipe(socket)
    })
    const gone = new Liar(ring().dir, () => {})
    gone.token = token ?? gone.token
    gone.announce(front.port)
    return { requests, token: gone.token }
  }

  function assertNothingGiven({ requests, token }) {
    const bytes = Buffer.from(token, 'hex')
    const forms = [token, bytes.toString('latin1'), bytes.toString('base64')]
    for (const request of requests.filter((one) => one !== '')) {
      // A request to upgrade, and not a byte behind it.
      assert.match(request, /^GET \/ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n$/)
      for (const form of forms) assert(!request.includes(form))
      assert(!/^origin:/im.test(request))
    }
  }

  /** Nothing comes of the stranger, and everything of the Shield. */
  async function assertStrange({ requests, token }, client) {
    await until(() => requests.length >= 3, 'some attempts')
    await until(() => client.stats().errors.websocket !== null, 'a reason')
    const { transport, writer, received, errors } = client.stats()
    assert.deepEqual([transport, writer, received], ['connecting', 'gone', 0])
    assert.match(errors.websocket.code, /^ERR_WEBSOCKET_(REFUSED|UNREACHABLE)$/)
    assert.equal(client.isHealthy(), false)
    assert(!client.moves.some(({ to }) => to === 'websocket'))

    const shield = await shieldIn(ring())
    const { generation } = shield.stats()
    shield.writeThreats(['a', 'b', 'c'].map((details) => threat(details)))
    await until(() => client.stats().transport === 'websocket', 'the Shield')
    shield.writeThreat(threat('d'))
    await until(() => client.threats.at(-1)?.details === 'd', 'the last one')
    assertWhole(client, 4)
    assert.deepEqual(
      client.threats.map(({ id }) => id),
      numbers(1, 4).map((sequence) => `${generation}-${sequence}`)
    )
    assertNothingGiven({ requests, token })
  }

  const HASTE = { websocket: { handshakeTimeoutMs: 300 } }
  for (const [what, open] of Object.entries(STRANGERS)) {
    it(`F58 ${what} has the port: gets and gives nothing`, async () => {
      const front = await succeed(await open())
      await assertStrange(front, await reader(HASTE))
    })
  }

  it('F58 a relay to the real server: gets and gives nothing', async () => {
    const { shield, port, token } = await otherShield()
    const front = await succeed(port, token)
    await assertStrange(front, await reader(HASTE))
    const { admitted, challenged, refused } = shield.stats().websocket
    assert.equal(admitted, 0)
    assert(challenged > 0)
    assert(refused['token-wrong'] > 0)
  })

  it('F58 a stranger had the port: all of the next Shield is new', async () => {
    // A client that wants what is new: nothing was there before it.
    const front = await succeed(await STRANGERS['a web server']())
    await assertStrange(front, await reader({ ...HASTE, from: 'latest' }))
  })
})
