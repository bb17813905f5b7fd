'use strict'
// docs/websocket.md is enough to write a client: python/websocket_client.py is
// made from it, and follows a Shield of another process.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const { ROOT } = require('../tools/test-files.js')
const { endPython, startPython, runPython } = require('./python.js')

const CLIENT = path.join(__dirname, 'python', 'websocket_client.py')
const PAGE = path.join(ROOT, 'docs', 'websocket.md')

const TOKEN = '00112233445566778899aabbccddeeff'.repeat(2)
const NONCE = '0123456789abcdef'.repeat(4)
const CHALLENGE = `${'fedcba9876543210'.repeat(6)}fedcba987654`

describe('a WebSocket client in Python', () => {
  const ring = useRing()

  afterEach(endPython)

  /** A Shield in a process of its own, which has published `count` threats. */
  async function startShield(count) {
    const shield = ring().child()
    const generation = await shield.call(
      async (state, { dir, most }) => {
        state.shield = state.ipc.IpcFactory.createHybridTransport({
          dir,
          maxEvents: 32,
          websocket: { port: 0 }
        })
        await state.shield.ready()
        state.publish = (number) => {
          for (let i = 0; i < number; i++) {
            state.shield.writeThreat({
              threatType: 'PathTraversal',
              severity: 'High',
              source: 'mcp ü',
              details: `details ${++state.published}`,
              blocked: true,
              context: { number: state.published }
            })
          }
        }
        state.published = 0
        state.publish(most)
        return state.shield.stats().generation
      },
      { dir: ring().dir, most: count }
    )
    const publish = (number) =>
      shield.call((state, argument) => state.publish(argument), number)
    return { generation, publish, shield }
  }

  const follow = (way, count, command) =>
    startPython([
      ...[CLIENT, ring().dir, way, String(count)],
      JSON.stringify({ type: 'subscribe', ...command })
    ])

  /** What a client got of the stream. */
  function streamOf(lines) {
    const stream = lines.filter(({ type }) => type !== 'heartbeat')
    return stream.flatMap((message) =>
      message.type === 'threat' ? message.threats : [message]
    )
  }

  it('makes the proofs of the document', async () => {
    const args = [CLIENT, 'proofs', TOKEN, NONCE, CHALLENGE]
    const { code, stdout, stderr } = await runPython(args)
    assert.equal(code, 0, stderr)
    const page = fs.readFileSync(PAGE, 'utf8')
    const proofs = stdout.trim().split('\n')
    assert.equal(proofs.length, 4)
    for (const proof of proofs) assert(page.includes(`'${proof}'`), proof)
  })

  for (const way of ['socket', 'port']) {
    it(`gets what is kept and what comes, over the ${way}`, async () => {
      const { generation, publish } = await startShield(20)
      const client = follow(way, 25, { from: 'oldest' })
      const count = () =>
        streamOf(client.lines).filter(({ sequence, id }) => id && sequence)
          .length
      await until(
        () => count() >= 16 || client.process.exitCode !== null,
        'what is kept'
      )
      await publish(9)
      assert.equal(await client.exited, 0, client.stderr)
      const [status, lost, ...threats] = streamOf(client.lines)
      assert.equal(status.type, 'status')
      assert.deepEqual([status.generation, status.next], [generation, 1])
      assert.deepEqual(
        [lost.reason, lost.from, lost.to],
        ['before-join', 1, threats[0].sequence - 1]
      )
      for (const [i, threat] of threats.entries()) {
        const number = lost.to + 1 + i
        assert.equal(threat.sequence, number)
        assert.equal(threat.id, `${generation}-${number}`)
        assert.equal(threat.details, `details ${number}`)
        assert.equal(threat.source, 'mcp ü')
        assert.deepEqual(threat.context, { number })
      }
    })
  }

  it('goes on where it was, and everything comes once', async () => {
    const { generation, publish } = await startShield(0)
    const first = follow('socket', 3, { from: 'latest' })
    await until(() => first.lines.length > 0, 'a status')
    await publish(3)
    assert.equal(await first.exited, 0, first.stderr)
    await publish(2)
    const second = follow('port', 2, { from: 4, generation, priority: 0 })
    assert.equal(await second.exited, 0, second.stderr)
    const sequences = [first, second].map(({ lines }) =>
      streamOf(lines)
        .slice(1)
        .map(({ sequence }) => sequence)
    )
    assert.deepEqual(sequences, [
      [1, 2, 3],
      [4, 5]
    ])
  })

  it('is told what it lost of a Shield that nobody knows', async () => {
    await startShield(2)
    const generation = 'feedfeedfeedfeed'
    const client = follow('socket', 2, { from: 9, generation })
    assert.equal(await client.exited, 0, client.stderr)
    const [lost, status, ...threats] = streamOf(client.lines)
    assert.deepEqual(
      [lost.reason, lost.generation, lost.count],
      ['replaced', generation, null]
    )
    assert.equal(status.next, 1)
    assert.deepEqual(
      threats.map(({ sequence }) => sequence),
      [1, 2]
    )
  })

  it('sees that the Shield closes', async () => {
    const { shield } = await startShield(1)
    const client = follow('socket', 100, {})
    await until(() => client.lines.length > 0, 'a status')
    await shield.call((state) => state.shield.close())
    assert.equal(await client.exited, 0, client.stderr)
    assert.deepEqual(client.lines.at(-1), { type: 'close', code: 1001 })
  })

  it('refuses who does not know the token, and is refused without it', async () => {
    const { shield } = await startShield(1)
    const file = path.join(ring().dir, 'kindly-guard.json')
    const record = JSON.parse(fs.readFileSync(file, 'utf8'))
    fs.writeFileSync(file, JSON.stringify({ ...record, token: TOKEN }))
    const args = [CLIENT, ring().dir, 'socket', '1', '{"type":"subscribe"}']
    const wrong = await runPython(args)
    assert.match(wrong.stdout, /it answers 401/)
    await shield.kill()

    const stranger = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => {
        const isAsked = !data.includes('Authorization')
        socket.end(
          isAsked
            ? `HTTP/1.1 401 No\r\nWWW-Authenticate: KindlyGuard nonce="${CHALLENGE}"\r\n\r\n`
            : `HTTP/1.1 101 Yes\r\nKindlyGuard-Proof: ${'0'.repeat(64)}\r\n\r\n`
        )
      })
    })
    await new Promise((resolve) => {
      stranger.listen(0, '127.0.0.1', resolve)
    })
    const { port } = stranger.address()
    fs.writeFileSync(file, JSON.stringify({ ...record, port }))
    const [folder, ...others] = args.slice(1)
    const fooled = await runPython([CLIENT, folder, 'port', ...others.slice(1)])
    assert.match(fooled.stdout, /does not know the token/)
    await new Promise((resolve) => {
      stranger.close(resolve)
    })
  })
})
