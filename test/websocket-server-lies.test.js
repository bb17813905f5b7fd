'use strict'
// A client and a server that knows the token, and lies. Whatever it says, the
// client lives, says what was wrong, delivers nothing twice or out of order,
// and goes on where it was when the server behaves.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const http = require('node:http')
const net = require('node:net')
const path = require('node:path')
const { WebSocketServer } = require('ws')
const { IpcFactory } = require('../lib/index.js')
const { TestRing, threat, useRing } = require('./helpers/ring.js')
const { record, until } = require('./helpers/wait.js')
const {
  discovered,
  Liar,
  LONG_MS,
  threatOf,
  threatsOf
} = require('./helpers/websocket-peer.js')

// The sequence of a heartbeat that only who still believes the server reads.
const MARK = 4242

const GENERATION = '0123456789abcdef'
const OTHER = 'f0f0f0f0f0f0f0f0'
const MAX = Number.MAX_SAFE_INTEGER

const numbers = (from, to) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const show = (value) => String(JSON.stringify(value)).slice(0, 60)
const turn = () => new Promise(setImmediate)

describe('WebSocket client and a server that lies', () => {
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

  const sequencesOf = ({ threats }) => threats.map(({ sequence }) => sequence)

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
   * @param {{ what: string, tell: (line: object, next: number) => void,
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
    const server = await liar((line, command) => {
      const before = lies[line.number - 2]
      const lie = lies[line.number - 1]
      total += before?.brings ?? 0
      if (before !== undefined) check(before, command)
      if (!lie?.instead) line.serve(command, ++total)
      lie?.tell(line, total + 1)
      if (lie !== undefined) line.heartbeat(MARK)
    })
    client = await reader()
    const isOver = () =>
      server.lines.length > lies.length &&
      client.stats().transport === 'websocket' &&
      client.stats().received === total
    const isMarked = () => client.stats().published === MARK
    await until(() => isOver() || isMarked(), 'it sees through all of them')
    if (isMarked()) {
      assert.fail(`it believed: ${lies[server.lines.length - 1].what}`)
    }
    assert.deepEqual(wrong, [])
    assertWhole(client, total)
    assert.equal(server.lines.length, lies.length + 1)
    for (const { commands } of server.lines) assert.equal(commands.length, 1)
  }

  /** The client goes on with the same connection. */
  async function assertIgnored(tell) {
    const server = await liar((line, command) => {
      tell(line.serve(command, 20))
      line.threats(threatsOf(21, 40)).heartbeat(MARK)
    })
    const client = await reader()
    await until(() => client.stats().published === MARK, 'the mark')
    await until(() => client.stats().received >= 40, 'the rest')
    assertWhole(client, 40)
    assert.equal(server.lines.length, 1)
  }

  /** Whether the client hangs up or not, it gets all when that was over. */
  async function assertSurvived(tell) {
    const server = await liar((line, command) => {
      if (line.number === 1) {
        tell(line.serve(command, 20))
        line.threats(threatsOf(21, 40))
      } else {
        line.serve(command, 40)
      }
    })
    const client = await reader()
    await until(() => client.stats().received >= 40, 'the rest')
    assertWhole(client, 40)
    assert(server.lines.length <= 2)
  }

  const closes = {
    what: 'it closes',
    tell: ({ socket }) => socket.terminate(),
    why: /closed/,
    code: 'ERR_WEBSOCKET_CLOSED'
  }

  // --- What is no message ----------------------------------------------------

  const NO_MESSAGES = {
    'is no JSON': ['', '{', '{"type":"heartbeat"', 'status', '\0', '{}{}'],
    'is no object': ['null', 'true', '5', '"status"', '[]', '[{"type":"x"}]'],
    'has no type': ['{}', '{"type":5}', '{"type":null}', '{"type":{}}'],
    'is binary': [Buffer.from('{"type":"x"}'), Buffer.of(), Buffer.of(0xff)]
  }
  for (const [why, messages] of Object.entries(NO_MESSAGES)) {
    it(`a message that ${why}: seen`, () =>
      assertSeen(
        ...messages.map((message) => ({
          what: show(String(message)),
          tell: (line) => line.say(message),
          why: new RegExp(why)
        }))
      ))
  }

  const frame = (what, hex, why = /Invalid WebSocket frame/) => ({
    what,
    tell: (line) => line.pour(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    why,
    code: null
  })
  for (const lie of [
    frame('a reserved bit', 'c1 00'),
    frame('an unknown opcode', '83 00'),
    frame('a mask', '81 81 00000000 41'),
    frame('the rest of nothing', '80 00'),
    frame('a control frame in pieces', '09 00'),
    frame('a long control frame', '89 7e 0080'),
    frame('text that is no UTF-8', '81 02 fffe', /UTF-8/i),
    frame('a code that no close has', '88 02 03e7'),
    frame(
      'more than a client takes',
      '81 7f 00000000 10000001',
      /payload size/
    ),
    frame('more than there is', '81 7f ffffffff ffffffff', /payload length/)
  ]) {
    it(`F56 a frame with ${lie.what}: seen, and its fault told`, () =>
      assertSeen(lie))
  }

  it('unknown types and fields are a newer server’s: ignored', () =>
    assertIgnored((line) => {
      for (const type of [
        '',
        'future',
        '__proto__',
        'constructor',
        'valueOf'
      ]) {
        line.say({ type }).say({ type, generation: 5, threats: 'x' })
      }
      line.status({ other: { a: [] } })
      line.say('{"type":"future","__proto__":{"type":"status"}}')
      line.say(`{"type":"future","deep":${'['.repeat(1e5)}${']'.repeat(1e5)}}`)
    }))

  it('100 MB of an unknown type: ignored', () =>
    assertIgnored((line) =>
      line.say({ type: 'future', text: 'x'.repeat(100_000_000) })
    ))

  it('100 MB that are no JSON: seen', () =>
    assertSeen({
      what: '100 MB',
      tell: (line) => line.say('x'.repeat(100_000_000)),
      why: /is no JSON/
    }))

  // --- Wrong fields --------------------------------------------------------------

  const notText = [undefined, null, 5, true, {}, ['x']]
  const notCount = [undefined, null, '1', 1.5, -1, MAX + 1, {}, true]
  const notGeneration = [
    ...[undefined, null, 5, '', 'x', '0'.repeat(17), 'A'.repeat(16)]
  ]
  /** The message of a type, right for the sequence that is due but for one
   * field. */
  const message = (type, next) => ({
    type,
    generation: GENERATION,
    ...{
      status: { sequence: 1, shm: false, boot: null, heartbeatMs: LONG_MS },
      threat: { threats: threatsOf(next, next) },
      lost: { count: 1, from: next, to: next, reason: 'overwritten' },
      heartbeat: { sequence: 1 }
    }[type]
  })
  const fields = (type, field, ...values) =>
    values.map((value) => ({
      what: `${type} with ${field} ${show(value)}`,
      tell: (line, next) =>
        line.say({ ...message(type, next), [field]: value }),
      why: /is|are|has|lost:/
    }))
  const ofThreats = (field, ...values) =>
    values.map((value) => ({
      what: `a threat with ${field} ${show(value)}`,
      tell: (line, next) => line.threats([threatOf(next, { [field]: value })]),
      why: /is|are|has/
    }))
  const FIELDS = {
    threat: [
      ...ofThreats('sequence', ...notCount, 0),
      ...ofThreats('timestamp_us', ...notCount),
      ...ofThreats('blocked', undefined, null, 1, 'true'),
      ...['id', 'threat_type', 'severity', 'source', 'details'].flatMap(
        (name) => ofThreats(name, ...notText)
      ),
      ...['threat_type_code', 'severity_code'].flatMap((name) =>
        ofThreats(name, ...notCount.slice(1))
      ),
      ...fields('threat', 'generation', ...notGeneration),
      ...fields('threat', 'threats', undefined, null, {}, 'x', 5),
      ...fields('threat', 'threats', [null], [5], ['x'], [[]], [{}])
    ],
    status: [
      ...fields('status', 'generation', ...notGeneration),
      ...fields('status', 'sequence', ...notCount),
      ...fields('status', 'next', ...notCount.slice(1), 0),
      ...fields('status', 'heartbeatMs', ...notCount, 0),
      ...fields('status', 'shm', null, 0, 'true')
    ],
    lost: [
      ...fields('lost', 'generation', ...notGeneration),
      ...fields('lost', 'count', ...notCount, 0, 2),
      ...fields('lost', 'from', ...notCount, 0),
      ...fields('lost', 'to', ...notCount, 0, MAX),
      ...fields('lost', 'reason', undefined, null, '', 'other', 5)
    ],
    heartbeat: [
      ...fields('heartbeat', 'sequence', ...notCount),
      ...fields('heartbeat', 'generation', ...notGeneration)
    ]
  }
  for (const [type, lies] of Object.entries(FIELDS)) {
    it(`a field of ${type} that is wrong, ${lies.length} ways: seen`, () =>
      assertSeen(...lies))
  }

  it('an error whose code and message are no text: survived', () =>
    assertSurvived((line) => {
      for (const value of [undefined, null, 5, [], {}, [[{}]]]) {
        line.say({ type: 'error', code: value, message: value })
      }
    }))

  // String() of such an object throws.
  for (const field of ['code', 'message']) {
    it(`an error whose ${field} cannot be made text: survived`, () =>
      assertSurvived((line) =>
        line.say({ type: 'error', [field]: { toString: 1, valueOf: 1 } })
      ))
  }

  it('F57 absurd publish times: survived', async () => {
    const file = '/proc/sys/kernel/random/boot_id'
    const boot = fs.existsSync(file) ? fs.readFileSync(file, 'latin1') : ''
    await assertSurvived((line) => {
      line.status({ boot: boot.trim() })
      for (const [i, published_ns] of [
        ...[null, 'x', {}, 0, 1, 0.5, -1, 1e300, MAX, -MAX, -(2 ** 60), -1e300]
      ].entries()) {
        line.threats([threatOf(21 + i, { published_ns })])
      }
    })
  })

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

  // --- Silence ---------------------------------------------------------------------

  /** What `act` does with its first connection makes the client give it up. */
  async function assertGivenUp(act, why, options) {
    let client = null
    let said = ''
    const server = await liar((line, command) => {
      if (line.number === 1) {
        act(line, command)
      } else {
        said ||= client.stats().errors.websocket.message
        line.serve(command, 40)
      }
    })
    client = await reader(options)
    await until(() => server.lines.length > 1, 'it gives that one up')
    await until(() => client.stats().received >= 40, 'the rest')
    assert.match(said, why)
    assertWhole(client, 40)
  }

  it('F57 silence without a heartbeat: given up', () =>
    assertGivenUp((line, command) => {
      line.serve(command, 20).status({ heartbeatMs: 40 })
    }, /no sign of life/))

  it('F57 a heartbeat that nobody could keep: given up', () =>
    assertGivenUp((line, command) => {
      line.serve(command, 20).status({ heartbeatMs: 1 })
    }, /no sign of life/))

  it('F57 silence in the place of a first answer: given up', () =>
    assertGivenUp(() => {}, /./, { websocket: { handshakeTimeoutMs: 200 } }))

  it('F57 a heartbeat without measure is no heartbeat: it goes on', async () => {
    const warnings = record(process, 'warning')
    await assertIgnored((line) => {
      for (const heartbeatMs of [1e9, 2 ** 31, 2 ** 32 + 1, MAX]) {
        line.status({ heartbeatMs })
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
        tell: (line) => {
          line.say({ type: 'error', code: 'ERR_EVICTED', message: reason })
          line.socket.close(code, reason)
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
      // Whoever was cut off is not there any more, as the Shield sees it.
      await until(() => shield.stats().websocket.clients === 0, 'all are gone')
    })
  }

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
   * The port that a Shield had which is gone: whoever is at `port` has it, and
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
