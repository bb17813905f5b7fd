'use strict'
// `kindly-guard-ipc bridge`: a Shield in C writes the ring, and clients that do
// not read it get the same. All across real processes.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { readDiscovery } = require('../../lib/websocket/discovery-file.js')
const { assertWritten, useCShield } = require('../helpers/c-shield.js')
const { CommandLine } = require('../helpers/command-line.js')
const { Ledger } = require('../helpers/ledger.js')
const { useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')

describe('kindly-guard-ipc bridge', function () {
  this.timeout(180_000)

  const current = useRing()
  const startC = useCShield()
  const cli = new CommandLine()
  let ring
  beforeEach(() => {
    ring = current()
    cli.dir = ring.dir
  })
  // The directory is useRing()'s.
  afterEach(() => cli.tearDown())

  const isServing = ({ stderr }) => stderr.includes('serves ')

  /** A bridge that was started; see also bridge(). */
  const start = (...args) => cli.follow('bridge', '--port', '0', ...args)

  /** A bridge that serves. */
  async function bridge(...args) {
    const started = start(...args)
    await cli.until(started, isServing)
    return started
  }

  /** A client, and what it gets from `first` on. */
  async function client(options = {}, first = 0) {
    const opened = ring.keep(
      await IpcFactory.createClient({ dir: ring.dir, ...options })
    )
    return Object.assign(new Ledger(opened, assertWritten, first), {
      client: opened
    })
  }

  const overWebSocket = (options, first) =>
    client({ preferShm: false, ...options }, first)

  const isLive = (ledger) =>
    until(() => ledger.client.stats().transport !== 'connecting', 'a way')

  it('passes on everything once, and ends with the Shield', async () => {
    const shield = await startC(ring.dir)
    await shield.write(5)
    const served = await bridge()
    const remote = await overWebSocket({ from: 'oldest' }, 1)
    const hybrid = await client({ from: 'oldest' }, 1)
    await isLive(remote)
    await isLive(hybrid)
    await shield.write(250)
    await shield.writeAtOnce(200)
    await remote.upTo(455)
    await hybrid.upTo(455)
    assert.deepEqual(remote.generations, [shield.generation])
    assert.deepEqual(hybrid.generations, [shield.generation])
    assert.equal(remote.client.stats().transport, 'websocket')
    assert.equal(hybrid.client.stats().transport, 'shm')
    // The time in the ring is the time in the message, but for what somebody
    // gets who is behind.
    let last = 455
    while (remote.client.stats().latency.count === 0) {
      await shield.write(1)
      await remote.upTo(++last)
    }

    await shield.write(500 - last)
    await shield.end()
    const { code, stderr } = await served.ended
    assert.equal(code, 0)
    assert.match(stderr, /^the Shield has ended: passed on 495, lost 0$/m)
    await remote.upTo(500)
    await hybrid.upTo(500)
    assert.equal(readDiscovery(ring.dir, 'kindly-guard').state, 'closed')
    await until(() => remote.client.state.writer === 'gone', 'its end, told')
  })

  it('100,000 threats in a ring that holds them: each comes once', async () => {
    const count = 100_000
    const shield = await startC(ring.dir, count)
    await bridge()
    const remote = await overWebSocket({ from: 'oldest' }, 1)
    const hybrid = await client({ from: 'oldest' }, 1)
    await isLive(remote)
    await shield.write(count)
    await remote.upTo(count)
    await hybrid.upTo(count)
    assert.deepEqual([remote.received, remote.lost], [count, 0])
    assert.deepEqual([hybrid.received, hybrid.lost], [count, 0])
    assert.equal(remote.critical, count / 100)
  })

  it('100,000 threats in a ring of 1,024: the account is exact', async () => {
    const count = 100_000
    const shield = await startC(ring.dir, 1024)
    const served = await bridge()
    const remotes = await Promise.all([1, 2].map(() => overWebSocket({}, 1)))
    await Promise.all(remotes.map(isLive))
    await shield.write(count)
    for (const remote of remotes) {
      await remote.upTo(count)
      assert.equal(remote.received + remote.lost, count)
      assert.equal(remote.critical + remote.lostPriority, count / 100)
      remote.mustHaveStayed()
    }
    await shield.end()
    const { stderr } = await served.ended
    const [, passed, lost] = /passed on (\d+), lost (\d+)$/m.exec(stderr)
    assert.equal(Number(passed) + Number(lost), count)
  })

  it('one that was lapped tells what is lost, and nothing Critical is', async () => {
    const shield = await startC(ring.dir, 1024)
    const served = await bridge()
    const remote = await overWebSocket({}, 1)
    await isLive(remote)
    await shield.write(10)
    await remote.upTo(10)
    served.process.kill('SIGSTOP')
    await shield.write(4990)
    served.process.kill('SIGCONT')
    await remote.upTo(5000)
    assert(remote.lost > 3000, `${remote.lost} lost`)
    assert.deepEqual([remote.critical, remote.lostPriority], [50, 0])
    for (const { reason } of remote.losses) assert.equal(reason, 'overwritten')
    await cli.until(served, ({ stderr }) =>
      /^lost .*overwritten$/m.test(stderr)
    )
    // Behind the gap it goes on as before.
    await shield.write(10)
    await remote.upTo(5010)
    remote.mustHaveStayed()
  })

  it('a Shield that is killed: it says so and ends, and all had come', async () => {
    const shield = await startC(ring.dir)
    const served = await bridge()
    const remote = await overWebSocket({}, 1)
    await isLive(remote)
    await shield.write(300)
    await shield.kill()
    const { code, stderr } = await served.ended
    assert.equal(code, 0)
    assert.match(stderr, /^the Shield is gone$/m)
    await remote.upTo(300)
  })

  it('--follow: the next Shield goes on, for clients that stayed', async () => {
    let shield = await startC(ring.dir)
    const served = await bridge('--follow')
    const remote = await overWebSocket({}, 1)
    await isLive(remote)
    let last = 0
    for (let kills = 1; kills <= 3; kills++) {
      last = await shield.write(200)
      await shield.kill()
      await cli.until(
        served,
        ({ stderr }) => stderr.split('waiting for one').length === kills + 1
      )
      // The place is free, and the stream ended there.
      assert.equal(readDiscovery(ring.dir, 'kindly-guard').sequence, last)
      await until(
        () => remote.client.stats().transport === 'connecting',
        'the end, told'
      )
      shield = await startC(ring.dir)
      // Before the bridge is there again.
      last = await shield.write(50)
      await remote.upTo(last)
    }
    await shield.write(1)
    await remote.upTo(last + 1)
    assert.deepEqual([remote.lost, remote.received], [0, last + 1])
    served.process.kill('SIGTERM')
    assert.equal((await served.ended).code, 0)
  })

  it('a Shield with another geometry: the account goes on exactly', async () => {
    let shield = await startC(ring.dir, 1024)
    await bridge('--follow')
    const remote = await overWebSocket({}, 1)
    await isLive(remote)
    await shield.write(300)
    await remote.upTo(300)
    await shield.kill()
    const { generation } = shield
    shield = await startC(ring.dir, 4096)
    assert.notEqual(shield.generation, generation)
    await shield.write(100)
    await remote.upTo(100, shield.generation)
    assert.equal(remote.received, 400)
  })

  it('killed and started again: clients go on where they were', async () => {
    const shield = await startC(ring.dir, 16_384)
    const remotes = await Promise.all([1, 2].map(() => overWebSocket({}, 1)))
    let served = await bridge()
    await Promise.all(remotes.map(isLive))
    shield.startWriting(8000, 200)
    for (let kills = 1; kills <= 3; kills++) {
      const { reached } = remotes[0]
      await until(() => remotes[0].reached > reached + 100, 'some threats')
      served.process.kill('SIGKILL')
      await served.ended
      served = await bridge()
    }
    await Promise.all(remotes.map((remote) => remote.upTo(8000)))
    for (const { lost, received } of remotes) {
      assert.deepEqual([received, lost], [8000, 0])
    }
  })

  it('a client that is killed is no loss to the others', async () => {
    const shield = await startC(ring.dir, 16_384)
    await bridge()
    const remote = await overWebSocket({}, 1)
    await isLive(remote)
    const doomed = ring.child()
    await doomed.call(
      async (state, options) => {
        state.client = await state.ipc.IpcFactory.createClient(options)
        state.got = 0
        state.client.on('threat', () => state.got++)
      },
      { dir: ring.dir, preferShm: false, from: 'oldest' }
    )
    shield.startWriting(5000, 100)
    await until(() => doomed.call(({ got }) => got > 100), 'some, over there')
    await doomed.kill()
    await remote.upTo(5000)
    assert.deepEqual([remote.received, remote.lost], [5000, 0])
  })

  it('a hybrid client goes over and back, and gets everything once', async () => {
    // It reaches the ring by a link, which a test can take away.
    const real = path.join(ring.dir, 'real')
    const link = path.join(ring.dir, 'link')
    const dir = path.join(real, 'ring')
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 })
    let shield = await startC(dir, 1024)
    const served = cli.collect([
      'bridge',
      '--follow',
      '--port',
      '0',
      '--dir',
      dir
    ])
    await cli.until(served, isServing)
    const tokenFile = path.join(dir, 'kindly-guard.json')
    // From WebSocket to the ring …
    const hybrid = await client(
      { dir: path.join(link, 'ring'), websocket: { tokenFile } },
      1
    )
    await isLive(hybrid)
    assert.equal(hybrid.client.stats().transport, 'websocket')
    await shield.write(100)
    await hybrid.upTo(100)
    fs.symlinkSync(real, link)
    await until(() => hybrid.client.isShmActive(), 'the ring')
    await shield.write(100)
    await hybrid.upTo(200)
    // … to WebSocket, since the next ring is out of its reach …
    fs.unlinkSync(link)
    await shield.write(100)
    await shield.kill()
    shield = await startC(dir, 4096)
    await shield.write(100)
    await hybrid.upTo(100, shield.generation)
    assert.equal(hybrid.client.stats().transport, 'websocket')
    // … and back.
    fs.symlinkSync(real, link)
    await until(() => hybrid.client.isShmActive(), 'the next ring')
    await shield.write(100)
    await hybrid.upTo(200)
    assert.deepEqual([hybrid.received, hybrid.lost], [500, 0])
  })

  it('`after` a position goes on behind it, also in the ring before', async () => {
    let shield = await startC(ring.dir, 1024)
    await shield.write(20)
    await bridge('--follow')
    const { generation } = shield
    const after = { generation, sequence: 7 }
    const remote = await overWebSocket({ after }, 8)
    await remote.upTo(20)
    assert.equal(remote.received, 13)
    await shield.kill()
    shield = await startC(ring.dir, 4096)
    await shield.write(5)
    const late = await overWebSocket({ after }, 8)
    await late.upTo(5, shield.generation)
    const [loss] = late.losses
    assert.deepEqual(
      [late.losses.length, loss.generation, loss.from, loss.to, loss.reason],
      [1, generation, 8, 20, 'replaced']
    )
  })

  it('two at once: one serves, the other says why not', async () => {
    const shield = await startC(ring.dir)
    for (let round = 0; round < 5; round++) {
      const both = [start(), start()]
      const first = await Promise.race(both.map((one) => one.ended))
      assert.equal(first.code, 1, first.stderr)
      assert.match(first.stderr, /serves this ring already.*ERR_RING_LOCKED/)
      const [winner] = both.filter(
        ({ process: { exitCode } }) => exitCode === null
      )
      await cli.until(winner, isServing)
      const remote = await overWebSocket()
      await isLive(remote)
      const last = await shield.write(10)
      await remote.upTo(last)
      assert.equal(remote.received, 10)
      assert.equal(winner.process.exitCode, null)
      winner.process.kill('SIGINT')
      assert.equal((await winner.ended).code, 0)
      await remote.client.close()
    }
  })

  it('a Shield in Node has the place: it says so, and changes nothing', async () => {
    const shield = ring.keep(
      IpcFactory.createHybridTransport({
        dir: ring.dir,
        websocket: { port: 0 }
      })
    )
    await shield.ready()
    const before = readDiscovery(ring.dir, 'kindly-guard')
    const { code, stderr } = await start('--wait', '--follow').ended
    assert.equal(code, 1)
    assert.match(stderr, /a Shield in Node or another bridge serves this ring/)
    assert.deepEqual(readDiscovery(ring.dir, 'kindly-guard'), before)
    assert.equal(shield.isHealthy(), true)
  })

  it('a Shield without the addon finds the bridge, and does not start', async () => {
    await startC(ring.dir)
    await bridge()
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    const refused = child.call(
      async (state, options) => {
        const shield = state.ipc.IpcFactory.createTransport(options)
        await shield.ready()
      },
      { dir: ring.dir, websocket: { port: 0 } }
    )
    await assert.rejects(refused, {
      code: 'ERR_RING_LOCKED',
      message: /another Shield or bridge runs|a Shield answers/
    })
  })

  it('no ring, or one that nobody writes: it says what to do', async () => {
    const without = await start().ended
    assert.equal(without.code, 1)
    assert.match(without.stderr, /no ring here.*--wait.*ERR_NO_RING/i)
    const shield = await startC(ring.dir)
    await shield.end()
    const unwritten = await start().ended
    assert.equal(unwritten.code, 1)
    assert.match(unwritten.stderr, /no Shield writes .*--wait/)
    assert.equal(fs.existsSync(path.join(ring.dir, 'kindly-guard.sock')), false)
  })

  for (const [what, prepare] of [
    ['no ring yet', async () => 1],
    [
      'a ring that nobody writes',
      async () => {
        const shield = await startC(ring.dir)
        const last = await shield.write(30)
        await shield.end()
        return last + 1
      }
    ]
  ]) {
    it(`--wait, ${what}: who waits gets the Shield's first threat`, async () => {
      const first = await prepare()
      const served = start('--wait')
      await cli.until(served, ({ stderr }) =>
        stderr.includes('waiting for one')
      )
      const remote = await overWebSocket({}, first)
      await until(() => remote.client.stats().errors.websocket, 'no server')
      const shield = await startC(ring.dir)
      const last = await shield.write(40)
      await remote.upTo(last)
      assert.equal(remote.received, 40)
      await cli.until(served, isServing)
    })
  }

  it('--wait, a file that is no ring: it waits for the Shield', async () => {
    fs.writeFileSync(ring.file, Buffer.alloc(100_000), { mode: 0o600 })
    assert.equal((await start().ended).code, 1)
    const served = start('--wait')
    await cli.until(served, ({ stderr }) => stderr.includes('waiting for one'))
    await startC(ring.dir)
    await cli.until(served, isServing)
  })

  it('--wait, options that serve nobody: it says so at once', async () => {
    const file = path.join(ring.dir, 'options.toml')
    fs.writeFileSync(file, '[ipc.websocket]\nenabled = false\n')
    const { code, stderr } = await start('--wait', '--config', file).ended
    assert.equal(code, 1)
    assert.match(stderr, /websocket\.enabled.*ERR_INVALID_OPTION/)
  })

  it('--follow, a dozen Shields: nothing is left of each', async () => {
    const served = start('--wait', '--follow')
    for (let shields = 1; shields <= 12; shields++) {
      await cli.until(
        served,
        ({ stderr }) => stderr.split('waiting for one').length === shields + 1
      )
      const writer = ring.writer()
      await cli.until(
        served,
        ({ stderr }) => stderr.split('serves ').length === shields + 1
      )
      await writer.close()
    }
    assert.doesNotMatch(served.stderr, /MaxListeners/)
  })

  for (const signal of ['SIGTERM', 'SIGINT']) {
    it(`${signal}: clients have everything, and the place is free`, async () => {
      const shield = await startC(ring.dir)
      const served = await bridge()
      const remote = await overWebSocket({}, 1)
      await isLive(remote)
      await shield.write(500)
      const socket = path.join(ring.dir, 'kindly-guard.sock')
      assert.equal(fs.existsSync(socket), true)
      served.process.kill(signal)
      const { code, stderr } = await served.ended
      assert.equal(code, 0)
      assert.match(stderr, /^stopped: passed on \d+, lost 0$/m)
      const { state } = readDiscovery(ring.dir, 'kindly-guard')
      assert.equal(state, 'closed')
      assert.equal(fs.existsSync(socket), false)
      // The Shield goes on, and so do its clients with the next bridge.
      await shield.write(10)
      await bridge()
      await remote.upTo(510)
    })

    it(`${signal} while it waits: it ends`, async () => {
      const waiting = start('--wait')
      await cli.until(waiting, ({ stderr }) =>
        stderr.includes('waiting for one')
      )
      waiting.process.kill(signal)
      assert.equal((await waiting.ended).code, 0)
    })
  }

  it('--port none: there is the local socket alone', async () => {
    const shield = await startC(ring.dir)
    await bridge('--port', 'none')
    assert.equal(readDiscovery(ring.dir, 'kindly-guard').port, null)
    const remote = await overWebSocket({}, 1)
    await isLive(remote)
    await shield.write(5)
    await remote.upTo(5)
  })

  it('has the options of a server from the file that a Shield has', async () => {
    const file = path.join(ring.dir, 'options.toml')
    fs.writeFileSync(
      file,
      '[ipc.shm]\nmax_events = 2000\n[ipc.websocket]\nauth = "none"\nport = 0\n'
    )
    await startC(ring.dir)
    const served = cli.follow('bridge', '--config', file)
    await cli.until(served, isServing)
    const { auth, token } = readDiscovery(ring.dir, 'kindly-guard')
    assert.deepEqual([auth, token], ['none', undefined])
  })

  for (const [args, expected] of [
    [['--port', 'x'], /--port: expected a whole number/],
    [['--port', '70000'], /--port: expected a whole number/],
    [['--transport', 'shm'], /--transport/]
  ]) {
    it(`${args.join(' ')} is a wrong command line`, async () => {
      const { code, stderr } = await cli.run(['bridge', ...args])
      assert.equal(code, 2)
      assert.match(stderr, expected)
    })
  }
})
