'use strict'
// A Shield goes on from the one before, whatever that one had: a ring, a
// server, both, or a ring that failed on the way. Who was there all the time
// gets each event once, and an exact loss where that can be known.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { connected, useHome } = require('../helpers/factory.js')
const { record, until } = require('../helpers/wait.js')

describe('the Shield before', () => {
  const current = useRing()
  useHome()
  let ring
  let common

  beforeEach(() => {
    ring = current()
    common = { dir: ring.dir, websocket: { port: 0 } }
  })

  const overWebSocket = () => ({ ...common, preferShm: false })

  async function shieldOf(create, options) {
    const shield = ring.keep(create(options))
    await shield.ready()
    return shield
  }

  const hybrid = () => shieldOf(IpcFactory.createHybridTransport, common)
  const server = () => shieldOf(IpcFactory.createTransport, overWebSocket())

  function write(shield, count) {
    for (let i = 0; i < count; i++) shield.writeThreat(threat(`${i}`))
  }

  /** All ids that a client gets, in order, and its losses. */
  function follow(client) {
    const ids = []
    client.on('threat', ({ id }) => ids.push(id))
    return { ids, losses: record(client, 'lost'), client }
  }

  const idsOf = (shield, count) =>
    Array.from(
      { length: count },
      (_, i) => `${shield.stats().generation}-${i + 1}`
    )

  it('published more than its ring got: that is not published again', async () => {
    const first = await hybrid()
    const reader = follow(ring.client())
    const client = follow(await connected(ring, overWebSocket()))
    write(first, 5)
    await until(() => reader.ids.length === 5, 'five out of the ring')
    ring.takeAway()
    first.isHealthy()
    write(first, 4)
    await until(() => client.ids.length === 9, 'nine over WebSocket')
    await first.close()
    ring.bringBack()

    const second = await hybrid()
    write(second, 2)
    const next = idsOf(second, 2)
    assert.notEqual(second.stats().generation, first.stats().generation)
    await until(() => client.ids.length === 11, 'two more')
    await until(() => reader.ids.length === 7, 'two more')
    assert.deepEqual(client.ids, [...idsOf(first, 9), ...next])
    assert.deepEqual(client.losses, [])
    assert.deepEqual(reader.ids, [...idsOf(first, 5), ...next])
    const { generation } = first.stats()
    assert.deepEqual(reader.losses, [
      { count: 4, from: 6, to: 9, priority: 0, generation, reason: 'replaced' }
    ])
  })

  it('had no ring: who moves between both misses and repeats nothing', async () => {
    const first = await hybrid()
    const mover = follow(await connected(ring, common))
    const follower = follow(await connected(ring, overWebSocket()))
    write(first, 5)
    await until(() => mover.ids.length === 5, 'five')
    await first.close()

    const second = await server()
    write(second, 3)
    await until(() => mover.ids.length === 8, 'three over WebSocket')
    assert.equal(mover.client.isShmActive(), false)
    await second.close()

    const third = await hybrid()
    write(third, 2)
    await until(() => mover.ids.length === 10, 'two more')
    await until(() => mover.client.isShmActive(), 'the ring')
    write(third, 2)
    const all = [...idsOf(first, 5), ...idsOf(second, 3), ...idsOf(third, 4)]
    for (const { ids, losses, client } of [mover, follower]) {
      await until(() => ids.length === all.length, 'all')
      assert.deepEqual(ids, all)
      assert.deepEqual(losses, [])
      assert.equal(client.stats().lost, 0)
    }
  })

  it('was killed beside its ring: the ring says how far it came', async () => {
    const child = ring.child()
    const { generation } = await child.call(async (state, options) => {
      state.shield = state.ipc.IpcFactory.createHybridTransport(options)
      await state.shield.ready()
      for (let i = 0; i < 5; i++) {
        state.shield.writeThreat({
          threatType: 'Unknown',
          severity: 'Low',
          source: 'shield',
          details: `${i}`
        })
      }
      return { generation: state.shield.stats().generation }
    }, common)
    const client = follow(
      await connected(ring, { ...overWebSocket(), from: 'oldest' })
    )
    await until(() => client.ids.length === 5, 'five')
    await child.kill()

    const next = await server()
    write(next, 1)
    await until(() => client.ids.length === 6, 'one more')
    assert.equal(client.ids[4], `${generation}-5`)
    assert.deepEqual(client.losses, [])
  })

  it('left a ring that cannot be opened at first: readers of it lose nothing', async () => {
    const first = await hybrid()
    const reader = follow(ring.client())
    write(first, 5)
    await until(() => reader.ids.length === 5, 'five')
    await first.close()
    fs.renameSync(ring.file, `${ring.file}.away`)
    fs.mkdirSync(ring.file)
    const second = await hybrid()
    assert.equal(second.stats().transport, 'websocket')
    fs.rmdirSync(ring.file)
    await until(() => second.isShmActive(), 'a ring')
    write(second, 2)
    await until(() => reader.ids.length === 7, 'two more')
    assert.deepEqual(reader.losses, [])
  })

  it('wrote to the ring alone, later than the file: the ring goes on', async () => {
    const first = await server()
    write(first, 3)
    await first.close()
    const writer = ring.writer()
    writer.writeThreat(threat())
    const { generation } = writer.stats()
    await writer.close()

    const next = await hybrid()
    assert.equal(next.writeThreat(threat()), 2)
    assert.equal(next.stats().generation, generation)
  })

  /** As if the clock had been set back by an hour since. */
  function setClockBack({ discoveryFile }) {
    const before = JSON.parse(fs.readFileSync(discoveryFile, 'utf8'))
    const startedAt = new Date(Date.now() + 3_600_000).toISOString()
    fs.writeFileSync(discoveryFile, JSON.stringify({ ...before, startedAt }))
  }

  it('wrote to the ring alone, and the clock was set back: an exact loss', async () => {
    const first = await hybrid()
    const client = follow(await connected(ring, overWebSocket()))
    write(first, 3)
    await until(() => client.ids.length === 3, 'three over WebSocket')
    const { generation, websocket } = first.stats()
    await first.close()
    setClockBack(websocket)
    const writer = ring.writer()
    write(writer, 4)
    await writer.close()

    const next = await server()
    write(next, 1)
    await until(() => client.ids.length === 4, 'one more')
    assert.deepEqual(client.losses, [
      { count: 4, from: 4, to: 7, priority: 0, generation, reason: 'replaced' }
    ])
  })

  for (const last of ['ring', 'server']) {
    it(`had a ring behind a server, and the clock was set back: a ${last} goes on`, async () => {
      const first = await server()
      write(first, 3)
      const { websocket } = first.stats()
      await first.close()
      setClockBack(websocket)
      const alone = () => shieldOf(IpcFactory.createTransport, common)
      const second = await alone()
      write(second, 4)
      const { generation } = second.stats()
      await second.close()

      const third = await (last === 'ring' ? alone() : server())
      const after = { generation, sequence: 2 }
      const client = follow(await connected(ring, { ...common, after }))
      write(third, 1)
      await until(() => client.ids.length === 3, 'what came behind the second')
      assert.deepEqual(client.ids.slice(0, 2), idsOf(second, 4).slice(2))
      assert.deepEqual(client.losses, [])
    })
  }

  it('has a date of nonsense in its file: the ring goes on all the same', async () => {
    const first = await hybrid()
    write(first, 2)
    const { discoveryFile } = first.stats().websocket
    await first.close()
    const text = fs.readFileSync(discoveryFile, 'utf8')
    const startedAt = '2001-01-01T00:00:00.000Z'
    const old = { ...JSON.parse(text), startedAt }
    fs.writeFileSync(discoveryFile, JSON.stringify(old))

    const second = await hybrid()
    assert.equal(second.writeThreat(threat()), 3)
    assert.equal(second.stats().generation, first.stats().generation)
  })
})
