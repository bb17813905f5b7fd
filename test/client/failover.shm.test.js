'use strict'
// Both transports of one Shield: they carry the same, and when shared memory
// fails at one end or the other, WebSocket goes on where it stopped.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory, SharedMemoryIpc } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { connected, useHome } = require('../helpers/factory.js')
const { collect, record, sleep, until } = require('../helpers/wait.js')
const { numbers, sequences } = require('../helpers/sequences.js')

describe('fail-over', () => {
  const current = useRing()
  useHome()
  let ring
  let common

  beforeEach(() => {
    ring = current()
    common = { dir: ring.dir, websocket: { port: 0 } }
  })

  async function hybrid(options = {}) {
    const shield = ring.keep(
      IpcFactory.createHybridTransport({ ...common, ...options })
    )
    await shield.ready()
    return shield
  }

  const overWebSocket = () => ({ ...common, preferShm: false })

  function write(shield, count) {
    for (let i = 0; i < count; i++) shield.writeThreat(threat(`${i}`))
  }

  it('F60 both carry the same threats, to the last field', async () => {
    const shield = await hybrid()
    const byRing = await connected(ring, { ...common, from: 'oldest' })
    const live = await connected(ring, overWebSocket())
    const inputs = [
      threat('plain'),
      threat('with its own', { id: 'own', context: { deep: [1, null, 'ü'] } }),
      threat('numbers', { threatType: 4_000_000_000, severity: 250 }),
      threat('NUL\0 and 😀 and \u2028'.repeat(100), { timestampUs: 1 }),
      threat('', { source: '', blocked: false, context: null })
    ]
    const got = collect(live, inputs.length)
    inputs.forEach((input) => shield.writeThreat(input))
    const threats = await collect(byRing, inputs.length)
    assert.equal(byRing.isShmActive(), true)
    assert.equal(live.isShmActive(), false)
    assert.deepEqual(await got, threats)
    // From history, which the server reads out of the ring.
    const late = await connected(ring, { ...overWebSocket(), from: 'oldest' })
    assert.deepEqual(await collect(late, inputs.length), threats)
  })

  it('a client without the addon gets what one with it gets', async () => {
    const shield = await hybrid()
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    await child.call(async (state, options) => {
      const client = await state.ipc.IpcFactory.createClient(options)
      const threats = []
      client.on('threat', (one) => threats.push(one))
      while (client.stats().transport === 'connecting') await state.sleep(5)
      state.threats = threats
    }, common)
    const client = await connected(ring, common)
    const got = collect(client, 300)
    write(shield, 100)
    shield.writeThreats(Array.from({ length: 200 }, () => threat('batch')))
    const threats = await got
    await until(
      () => child.call(({ threats: { length } }) => length === 300),
      'all of them over there'
    )
    const there = await child.call(({ threats: list }) => list)
    assert.deepEqual(there, threats)
  })

  it('a Shield without the addon beside an old ring', async () => {
    const old = new SharedMemoryIpc({ dir: ring.dir })
    const { generation } = old.stats()
    write(old, 3)
    await old.close()
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    await child.call(async (state, options) => {
      state.shield = state.ipc.IpcFactory.createTransport(options)
      await state.shield.ready()
      for (let i = 0; i < 5; i++) {
        state.shield.writeThreat({
          threatType: 'Unknown',
          severity: 'Low',
          source: 'without',
          details: `${i}`
        })
      }
    }, common)
    // From now on means just that, though an old ring stands there.
    const latest = ring.keep(await IpcFactory.createClient(common))
    await until(() => latest.stats().transport === 'websocket', 'WebSocket')
    const oldest = ring.keep(
      await IpcFactory.createClient({ ...common, from: 'oldest' })
    )
    const lost = record(oldest, 'lost')
    assert.deepEqual(sequences(await collect(oldest, 8)), [
      ...numbers(1, 3),
      ...numbers(1, 5)
    ])
    assert.deepEqual(lost, [
      {
        ...{ count: null, from: null, to: null, priority: null },
        ...{ generation, reason: 'replaced' }
      }
    ])
    const got = collect(latest, 1)
    await child.call(({ shield }) =>
      shield.writeThreat({
        threatType: 'Unknown',
        severity: 'Low',
        source: 'without',
        details: 'now'
      })
    )
    const [now] = await got
    assert.deepEqual([now.sequence, now.details], [6, 'now'])
    assert.equal(latest.stats().lost, 0)
  })

  const failures = {
    'a directory that is open to others': {
      code: 'ERR_UNSAFE_PATH',
      fail: () => fs.chmodSync(ring.dir, 0o755),
      mend: () => fs.chmodSync(ring.dir, 0o700)
    },
    'a file in the directory’s place': {
      code: 'ERR_UNSAFE_PATH',
      fail: () => {
        fs.rmdirSync(ring.dir)
        fs.writeFileSync(ring.dir, '')
      },
      mend: () => {
        fs.unlinkSync(ring.dir)
        fs.mkdirSync(ring.dir, { mode: 0o700 })
      }
    },
    'a directory in the ring’s place': {
      code: 'ERR_UNSAFE_PATH',
      fail: () => fs.mkdirSync(ring.file),
      mend: () => fs.rmdirSync(ring.file)
    }
  }
  for (const [name, { code, fail, mend }] of Object.entries(failures)) {
    it(`${name}: WebSocket serves and says why, the ring comes`, async () => {
      fail()
      const shield = ring.keep(IpcFactory.createHybridTransport(common))
      const changes = record(shield, 'transport')
      await shield.ready()
      const { errors, transport, generation } = shield.stats()
      assert.deepEqual([transport, errors.shm.code], ['websocket', code])
      assert.equal(shield.isShmActive(), false)
      const client = await connected(ring, common)
      const clientChanges = record(client, 'transport')
      const got = collect(client, 20)
      write(shield, 10)
      await until(() => client.stats().received === 10, 'ten over WebSocket')
      mend()
      await until(() => shield.isShmActive(), 'the ring')
      assert.equal(shield.stats().errors.shm, null)
      await until(() => client.isShmActive(), 'the client in it')
      write(shield, 10)
      assert.deepEqual(sequences(await got), [
        ...numbers(1, 10),
        ...numbers(1, 10)
      ])
      assert.equal(client.stats().lost, 0)
      assert.notEqual(shield.stats().generation, generation)
      await until(() => changes.length === 2, "the Shield's events")
      assert.deepEqual(
        changes.map(({ from, to }) => [from, to]),
        [
          [null, 'websocket'],
          ['websocket', 'hybrid']
        ]
      )
      await until(() => clientChanges.at(-1)?.to === 'shm', 'its event')
      assert.equal(shield.stats().published, 20)
    })
  }

  it('createTransport whose ring goes opens WebSocket', async () => {
    const shield = ring.keep(IpcFactory.createTransport(common))
    await shield.ready()
    assert.equal(shield.stats().transport, 'shm')
    const client = await connected(ring, common)
    const seen = []
    client.on('threat', ({ id }) => seen.push(id))
    const { generation } = shield.stats()
    write(shield, 5)
    ring.takeAway()
    shield.isHealthy()
    // Nothing is refused, and the numbers go on.
    assert.equal(shield.writeThreat(threat('without')), 6)
    await shield.ready()
    assert.equal(shield.stats().transport, 'websocket')
    assert.equal(shield.stats().errors.shm.code, 'ERR_UNSAFE_PATH')
    write(shield, 4)
    await until(() => seen.length === 10, 'ten')
    ring.bringBack()
    await until(() => shield.isShmActive(), 'the ring')
    await until(() => client.isShmActive(), 'the client in it')
    const next = shield.stats().generation
    write(shield, 2)
    await until(() => seen.length === 12, 'twelve')
    assert.deepEqual(seen, [
      ...numbers(1, 10).map((sequence) => `${generation}-${sequence}`),
      `${next}-1`,
      `${next}-2`
    ])
    assert.equal(client.stats().lost, 0)
  })

  it('F24 the directory above the ring’s goes: WebSocket goes on', async () => {
    const above = path.join(ring.dir, 'above')
    const dir = path.join(above, 'ring')
    fs.mkdirSync(above)
    const shield = await hybrid({ dir })
    const client = await connected(ring, { ...overWebSocket(), dir })
    const got = collect(client, 3)
    write(shield, 1)
    fs.rmSync(above, { recursive: true })
    shield.isHealthy()
    // Nobody who writes a threat is blamed for it.
    assert.equal(shield.writeThreat(threat('without')), 2)
    assert.equal(shield.stats().errors.shm.code, 'ERR_NO_RING')
    assert.match(shield.stats().errors.shm.message, /There is no ring/)
    fs.mkdirSync(above)
    await until(() => shield.isShmActive(), 'the ring')
    write(shield, 1)
    assert.deepEqual(sequences(await got), [1, 2, 1])
    assert.equal(client.stats().lost, 0)
  })

  it('F88 a flood over the ring, then over WebSocket: what is rescued adds up', async () => {
    const shield = await hybrid({ maxEvents: 64 })
    const client = await connected(ring, common)
    const losses = record(client, 'lost')
    const critical = []
    client.on('threat', ({ sequence, severity }) => {
      if (severity === 'Critical') critical.push(sequence)
    })
    const flood = (count) => {
      write(shield, count)
      shield.writeThreat(threat('wanted', { severity: 'Critical' }))
      write(shield, count)
    }
    flood(100)
    await until(() => client.stats().sequence === 201, 'the first')
    assert.equal(client.stats().rescued, 1)
    ring.takeAway()
    shield.isHealthy()
    // More than all that waits for a client, so that it has to lose some.
    flood(10_000)
    await until(() => client.stats().sequence === 20_202, 'the last')
    assert.deepEqual(critical, [101, 10_202])
    assert.equal(client.stats().transport, 'websocket')
    const { received, lost, rescued, priority } = client.stats()
    assert.equal(received + lost, 20_202)
    assert.deepEqual([rescued, priority], [2, 2])
    assert(losses.some(({ from }) => from > 201))
    assert(losses.every(({ priority: of }) => of === 0))
    ring.bringBack()
  })

  it('a reader of the ring alone is told what went over WebSocket', async () => {
    const shield = await hybrid()
    const reader = ring.client()
    const seen = []
    const lost = record(reader, 'lost')
    reader.on('threat', ({ sequence }) => seen.push(sequence))
    const { generation } = shield.stats()
    write(shield, 5)
    ring.takeAway()
    shield.isHealthy()
    write(shield, 7)
    ring.bringBack()
    await until(() => shield.isShmActive(), 'the ring')
    write(shield, 2)
    await until(() => seen.length === 7, 'seven')
    assert.deepEqual(seen, [1, 2, 3, 4, 5, 1, 2])
    assert.deepEqual(lost, [
      { count: 7, from: 6, to: 12, priority: 0, generation, reason: 'replaced' }
    ])
    assert.equal(reader.stats().lost, 7)
  })

  it('F24 a ring whose name is gone is read until there is another one', async () => {
    const shield = await hybrid()
    const client = await connected(ring, common)
    const behind = await connected(ring, { ...overWebSocket(), from: 'oldest' })
    const all = []
    const counts = [client, behind].map((one) => {
      const count = { ids: [], losses: record(one, 'lost') }
      one.on('threat', ({ id }) => count.ids.push(id))
      return count
    })
    const publish = () => {
      const sequence = shield.writeThreat(threat())
      all.push(`${shield.stats().generation}-${sequence}`)
    }
    for (let round = 0; round < 4; round++) {
      // Nobody can read a ring that was gone before they came.
      publish()
      await until(
        () => counts.every(({ ids }) => ids.at(-1) === all.at(-1)),
        'all of them'
      )
      fs.unlinkSync(ring.file)
      const { generation } = shield.stats()
      const isSame = () => shield.stats().generation === generation
      while (isSame()) {
        for (let i = 0; i < 5; i++) publish()
        await sleep(5)
      }
    }
    publish()
    for (const { ids, losses } of counts) {
      await until(() => ids.at(-1) === all.at(-1), 'the last one')
      assert.deepEqual(losses, [])
      assert.deepEqual(ids, all)
    }
  })

  it('a client that nobody consumes knows that its Shield is gone', async () => {
    const child = ring.child()
    fs.mkdirSync(ring.file)
    await child.call(async (state, options) => {
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
    }, common)
    const client = await connected(ring, { ...common, from: 'oldest' })
    assert.equal(client.isShmActive(), false)
    fs.rmdirSync(ring.file)
    // It takes nothing more from a server whose ring it has found.
    await until(
      () => child.call(({ shield }) => shield.stats().websocket.clients === 0),
      'that it has found the ring'
    )
    assert.equal(client.isHealthy(), true)
    await child.kill()
    await until(() => !client.isHealthy(), 'the news of its death')
    assert.equal(client.stats().writer, 'gone')
    assert.deepEqual(sequences(client.poll()), [1, 2, 3, 4, 5])
  })

  it('a ring that another Shield took ends this one', async () => {
    const shield = await hybrid()
    const client = await connected(ring, overWebSocket())
    const errors = record(shield, 'error')
    // Both locks are gone with their files; another one is free to come. It
    // comes in the same turn, or this Shield's beat would make the ring anew.
    fs.renameSync(ring.dir, `${ring.dir}.away`)
    fs.mkdirSync(ring.dir, { mode: 0o700 })
    ring.writer()
    shield.isHealthy()
    assert.throws(() => shield.writeThreat(threat()), {
      code: 'ERR_RING_LOCKED'
    })
    assert.equal(shield.stats().transport, 'none')
    assert.deepEqual(
      errors.map(({ code }) => code),
      ['ERR_RING_LOCKED']
    )
    await until(() => client.stats().transport === 'connecting', 'its end')
    fs.rmSync(`${ring.dir}.away`, { recursive: true })
  })

  it('a listener of transport that closes its client', async () => {
    const shield = await hybrid()
    const client = await connected(ring, common)
    client.on('threat', () => {})
    client.on('transport', () => client.close())
    write(shield, 1)
    ring.takeAway()
    shield.isHealthy()
    write(shield, 1)
    await until(() => client.closed, 'the close')
    await client.close()
    // Long enough for a connection that it should not have made.
    await sleep(50)
    await until(() => shield.stats().websocket.live === 0, 'no connection')
    ring.bringBack()
  })
})
