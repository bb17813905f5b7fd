'use strict'
// A bridge whose files, or whose ring's, are taken away and replaced.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { useBridge } = require('../helpers/bridge.js')
const { write } = require('../helpers/factory.js')
const { Ledger } = require('../helpers/ledger.js')
const { threat } = require('../helpers/ring.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { collect, record, until, within } = require('../helpers/wait.js')
const { discovered } = require('../helpers/websocket-peer.js')

describe('a bridge whose files go', () => {
  const { bridgeOf, current, overWebSocket } = useBridge()
  let ring
  beforeEach(() => {
    ring = current()
  })

  it('goes over to the ring that takes the place, and clients with it', async () => {
    const writer = ring.writer()
    const bridge = await bridgeOf()
    const ends = record(bridge, 'end')
    const client = await overWebSocket()
    const behind = await overWebSocket({ from: 'oldest' })
    const lost = record(client, 'lost')
    const got = collect(client, 8)
    const gotBehind = collect(behind, 8)
    write(writer, 5)
    const { generation } = writer.stats()
    const replaced = once(bridge, 'replaced')
    fs.unlinkSync(ring.file)
    assert.equal(writer.isHealthy(), true)
    const next = writer.stats().generation
    assert.notEqual(next, generation)
    write(writer, 3)
    assert.deepEqual(await within(replaced, 'the other ring'), [next])
    for (const threats of [await got, await gotBehind]) {
      assert.deepEqual(sequences(threats), [...numbers(1, 5), ...numbers(1, 3)])
      assert.deepEqual(
        threats.map((one) => one.generation === next),
        [...Array(5).fill(false), ...Array(3).fill(true)]
      )
    }
    assert.deepEqual(lost, [])
    assert.equal(bridge.stand.sequence, 3)
    assert.equal(bridge.stand.generation, next)
    await until(() => discovered(ring.dir).generation === next, 'its file')
    assert.deepEqual(ends, [])
  })

  it('what it missed of the ring before is told with its number', async () => {
    const writer = ring.writer()
    const bridge = await bridgeOf()
    const told = record(bridge, 'lost')
    const client = await overWebSocket()
    const ledger = new Ledger(client, () => {}, 1)
    write(writer, 5)
    await ledger.upTo(5)
    const { generation } = writer.stats()
    // More than a ring goes by in one turn, and the last of it in another one.
    write(writer, 3000)
    fs.unlinkSync(ring.file)
    assert.equal(writer.isHealthy(), true)
    write(writer, 3)
    await ledger.upTo(3, writer.stats().generation)
    assert.equal(ledger.received + ledger.lost, 3005 + 3)
    assert(ledger.losses.length > 0)
    for (const loss of ledger.losses) assert.equal(loss.generation, generation)
    const missed = told.reduce((sum, { count }) => sum + count, 0)
    const { passed, lost } = bridge.stats()
    assert.deepEqual([lost, passed + lost], [missed, 3005 + 3])
    assert(missed > 0)
  })

  it('a ring between two goes by: its number is not known', async () => {
    const writer = ring.writer()
    const bridge = await bridgeOf()
    const stands = []
    bridge.on('replaced', () => stands.push(bridge.stand))
    const client = await overWebSocket()
    const lost = record(client, 'lost')
    const threats = record(client, 'threat')
    write(writer, 5)
    await until(() => threats.length === 5, 'five')
    const { generation } = writer.stats()
    for (let rings = 1; rings <= 2; rings++) {
      fs.unlinkSync(ring.file)
      assert.equal(writer.isHealthy(), true)
      // Of these, nobody hears.
      if (rings === 1) write(writer, 3)
    }
    await until(() => stands.length === 1, 'the last of them')
    const last = writer.stats().generation
    assert.deepEqual(stands, [{ generation: last, sequence: 0, priority: 0 }])
    write(writer, 2)
    await until(() => threats.length === 7, 'two of the last')
    const [first, second] = threats.slice(5)
    assert.deepEqual([first.generation, second.generation], [last, last])
    assert.deepEqual(sequences([first, second]), [1, 2])
    assert.deepEqual(
      lost.map((loss) => [loss.generation, loss.count, loss.reason]),
      [[generation, null, 'replaced']]
    )
  })

  it('a ring that is out of its place and comes back costs nothing', async () => {
    const writer = ring.writer()
    write(writer, 3)
    await bridgeOf()
    const live = await overWebSocket()
    const late = await overWebSocket({ from: 'oldest' })
    const got = collect(live, 4)
    const away = `${ring.file}.away`
    fs.renameSync(ring.file, away)
    write(writer, 2)
    await until(() => live.stats().received === 2, 'two, live')
    const all = collect(late, 7)
    fs.renameSync(away, ring.file)
    write(writer, 2)
    assert.deepEqual(sequences(await got), numbers(4, 7))
    assert.deepEqual(sequences(await all), numbers(1, 7))
  })

  it('puts back what others find it by', async () => {
    ring.writer()
    await bridgeOf()
    const files = ['kindly-guard.sock', 'kindly-guard.json'].map((name) =>
      path.join(ring.dir, name)
    )
    files.forEach((file) => fs.unlinkSync(file))
    await until(() => files.every((file) => fs.existsSync(file)), 'both')
    await overWebSocket()
  })

  it('gives way to one that has its place, and says so', async () => {
    ring.writer()
    const first = await bridgeOf()
    const failed = once(first, 'error')
    // As by a program that cleans up: nobody finds the first one now.
    fs.unlinkSync(path.join(ring.dir, 'kindly-guard.sock'))
    fs.unlinkSync(path.join(ring.dir, 'kindly-guard.json'))
    const second = await bridgeOf()
    const [{ code }] = await within(failed, 'the end of the first one')
    assert.equal(code, 'ERR_RING_LOCKED')
    await first.close()
    const { state, port } = discovered(ring.dir)
    assert.deepEqual([state, port], ['live', second.stats().websocket.port])
    await overWebSocket()
  })

  for (const how of ['is stopped', 'is killed']) {
    it(`${how}, and the Shield goes on: the next one tells what the ring says`, async () => {
      const writer = ring.writer()
      const { generation } = writer.stats()
      const bridge = await bridgeOf()
      write(writer, 5)
      await until(() => bridge.stand.sequence === 5, 'five')
      const { discoveryFile } = bridge.stats().websocket
      const live = fs.readFileSync(discoveryFile)
      await bridge.close()
      if (how === 'is killed') fs.writeFileSync(discoveryFile, live)
      write(writer, 5)
      await writer.close()

      const next = ring.keep(
        IpcFactory.createHybridTransport({
          ...{ dir: ring.dir, maxEvents: 5000, websocket: { port: 0 } }
        })
      )
      await next.ready()
      assert.notEqual(next.stats().shm.generation, generation)
      const after = { generation, sequence: 7, priority: null }
      for (const client of [
        ring.client({ after }),
        await overWebSocket({ after })
      ]) {
        const lost = record(client, 'lost')
        const got = collect(client, 1)
        next.writeThreat(threat('of the next'))
        await got
        assert.deepEqual(
          lost.map(({ count, from, to }) => ({ count, from, to })),
          [{ count: 3, from: 8, to: 10 }]
        )
      }
    })
  }

  it('the ring is cut short under its Shield: it waits for the next', async () => {
    const writer = ring.writer()
    const bridge = await bridgeOf()
    const ends = record(bridge, 'end')
    const client = await overWebSocket()
    const generations = []
    client.on('threat', ({ generation }) => generations.push(generation))
    write(writer, 2)
    fs.truncateSync(ring.file, 0)
    await until(
      () => bridge.stats().writer === 'gone',
      'a ring that says nothing'
    )
    // Its Shield beats twice a second, and makes it anew then.
    await until(() => bridge.stats().writer === 'live', 'the next ring')
    write(writer, 1)
    const { generation } = writer.stats()
    await until(() => generations.at(-1) === generation, 'a threat of it')
    assert.deepEqual(ends, [])
  })
})
