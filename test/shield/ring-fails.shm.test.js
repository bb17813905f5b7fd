'use strict'
// A ring that fails while it is written, with listeners that write themselves,
// and a Shield whose parts are not all there yet.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const fs = require('node:fs')
const { mock } = require('node:test')
const net = require('node:net')
const path = require('node:path')
const { IpcFactory, PlatformShm } = require('../../lib/index.js')
const { native } = require('../../lib/shm/addon.js')
const { readDiscovery } = require('../../lib/websocket/discovery-file.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { threat } = require('../helpers/ring.js')
const { record, until, within } = require('../helpers/wait.js')
const { IS_WINDOWS } = require('../helpers/system.js')

describe('a Shield with a ring', () => {
  const { current, overWebSocket, shared, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
  })

  afterEach(() => mock.restoreAll())

  /** The ring can neither be written nor made anew. */
  function breakRing() {
    // Windows lets nobody cut it short.
    if (!IS_WINDOWS) fs.truncateSync(ring.file, 4096)
    ring.takeAway()
  }

  function mendRing() {
    ring.bringBack()
  }

  it('F22 a listener of its failure that publishes: each once, in order', async () => {
    const shield = await shieldOf(IpcFactory.createHybridTransport, shared())
    const client = await connected(ring, overWebSocket())
    const seen = []
    client.on('threat', ({ details }) => seen.push(details))
    const told = []
    shield.on('error', (error) => {
      told.push(error.code)
      if (told.length === 1) shield.writeThreat(threat('from the listener'))
    })
    shield.writeThreat(threat('before'))
    breakRing()
    try {
      assert.equal(shield.writeThreat(threat('after')), 3)
      assert.equal(shield.writeThreat(threat('last')), 4)
      assert.deepEqual(told.slice(0, 1), ['ERR_UNSAFE_PATH'])
      await until(() => seen.length === 4, 'all four')
      assert.deepEqual(seen, ['before', 'from the listener', 'after', 'last'])
      const { transport, published } = shield.stats()
      assert.deepEqual([transport, published], ['websocket', 4])
    } finally {
      mendRing()
    }
  })

  it('F22 a listener of its failure that closes: the writer is told, nothing is published', async () => {
    const shield = await shieldOf(IpcFactory.createHybridTransport, shared())
    shield.on('error', () => shield.close())
    breakRing()
    try {
      assert.throws(() => shield.writeThreat(threat()), {
        code: 'ERR_RING_TRUNCATED'
      })
      assert.deepEqual([shield.closed, shield.stats().published], [true, 0])
    } finally {
      mendRing()
    }
  })

  it('F22 says that it fails although nobody writes, and that it is mended', async () => {
    const shield = await shieldOf(IpcFactory.createHybridTransport, shared())
    shield.writeThreat(threat('before'))
    const changes = record(shield, 'transport')
    await until(() => changes.length === 1, 'how it begins')
    breakRing()
    try {
      await until(() => changes.length === 2, 'the change')
      assert.equal(shield.stats().transport, 'websocket')
      assert.equal(shield.stats().errors.shm.code, 'ERR_UNSAFE_PATH')
    } finally {
      mendRing()
    }
    await until(() => changes.length === 3, 'the change back')
    assert.deepEqual(
      changes.slice(1).map(({ from, to }) => [from, to]),
      [
        ['hybrid', 'websocket'],
        ['websocket', 'hybrid']
      ]
    )
    // Of another ring, where this one could be cut short.
    assert.equal(shield.writeThreat(threat('after')), IS_WINDOWS ? 2 : 1)
  })

  it('F22 goes on with a ring that was away, when nobody wrote meanwhile', async () => {
    const shield = await shieldOf(IpcFactory.createHybridTransport, shared())
    const client = await connected(ring, overWebSocket())
    const got = record(client, 'threat')
    const lost = record(client, 'lost')
    const { generation } = shield.stats()
    shield.writeThreat(threat('before'))
    for (const [i, text] of ['once', 'twice'].entries()) {
      ring.takeAway()
      try {
        await until(
          () => shield.stats().transport === 'websocket',
          'the change'
        )
      } finally {
        ring.bringBack()
      }
      await until(
        () => shield.stats().transport === 'hybrid',
        'the change back'
      )
      assert.equal(shield.writeThreat(threat(text)), i + 2)
      assert.equal(shield.stats().generation, generation)
    }
    await until(() => got.length === 3, 'all of them')
    assert.deepEqual(
      got.map(({ details }) => details),
      ['before', 'once', 'twice']
    )
    assert.deepEqual(lost, [])
    const late = await connected(ring, {
      ...overWebSocket(),
      from: 'oldest'
    })
    const all = record(late, 'threat')
    await until(() => all.length === 3, 'what the ring holds')
  })

  it('F22 stays as it is where its ring alone can be written', async () => {
    const options = { ...shared(), websocket: { enabled: false } }
    const shield = await shieldOf(IpcFactory.createTransport, options)
    const changes = record(shield, 'transport')
    const errors = record(shield, 'error')
    breakRing()
    try {
      await until(() => errors.length > 0, 'an error')
      assert.equal(errors[0].code, 'ERR_UNSAFE_PATH')
      const { code } = errors[0]
      assert.throws(() => shield.writeThreat(threat('lost')), { code })
    } finally {
      mendRing()
    }
    await until(() => shield.isHealthy(), 'a ring again')
    assert.equal(shield.writeThreat(threat('after')), 1)
    assert.deepEqual(changes.slice(1), [])
  })

  it('and without WebSocket: its socket is there, and takes nobody in', async () => {
    const shield = await shieldOf(IpcFactory.createTransport, shared())
    assert.equal(shield.stats().websocket, null)
    const client = net.connect(path.join(ring.dir, 'kindly-guard.sock'))
    client.on('error', () => {})
    await within(once(client.resume(), 'close'), 'the end')
    write(shield, 1)
  })

  it('F33 ends when it has to open WebSocket and another one is there', async () => {
    const other = await shieldOf(IpcFactory.createTransport, {
      ...overWebSocket(),
      name: 'other',
      websocket: { port: 0, socket: false }
    })
    const shield = await shieldOf(IpcFactory.createTransport, {
      ...shared(),
      websocket: { port: 0, socket: false }
    })
    const errors = record(shield, 'error')
    // Its own place names the other one, who answers.
    const place = readDiscovery(ring.dir, 'other')
    writeDiscovery(ring.dir, 'kindly-guard', place)
    if (!IS_WINDOWS) fs.truncateSync(ring.file, 4096)
    fs.renameSync(ring.file, `${ring.file}.away`)
    fs.mkdirSync(ring.file)
    shield.isHealthy()
    // Nothing is known of the other one yet.
    assert.equal(shield.writeThreat(threat()), 1)
    await until(
      () => errors.some(({ code }) => code === 'ERR_RING_LOCKED'),
      'its end'
    )
    assert.equal(shield.stats().transport, 'none')
    // For good, not until it tries again.
    assert.equal(shield.stats().error?.code, 'ERR_RING_LOCKED')
    assert.throws(() => shield.writeThreat(threat()), {
      code: 'ERR_RING_LOCKED'
    })
    assert.equal(other.isHealthy(), true)
  })

  it('there is no shared memory where there is no directory for it', () => {
    const error = Object.assign(new Error('no directory'), {
      code: 'ERR_SHM_UNAVAILABLE'
    })
    mock.method(native, 'defaultDirectory', () => {
      throw error
    })
    assert.equal(PlatformShm.isAvailable(), false)
    assert.equal(PlatformShm.unavailableReason(), 'no directory')
    assert.throws(() => PlatformShm.directory(), error)
    mock.restoreAll()
    assert.equal(PlatformShm.unavailableReason(), null)
  })

  it('without the addon, what needs it says so, and nothing else', async () => {
    const child = ring.child({
      env: { ...process.env, KINDLY_GUARD_IPC_NO_NATIVE: '1' }
    })
    const told = await child.call(async ({ ipc }, dir) => {
      const codeOf = async (action) => {
        try {
          await action()
          return null
        } catch ({ code }) {
          return code
        }
      }
      const websocket = { enabled: false }
      return {
        available: ipc.PlatformShm.isAvailable(),
        reason: ipc.PlatformShm.unavailableReason(),
        directory: await codeOf(() => ipc.PlatformShm.directory()),
        checksum: await codeOf(() => ipc.PlatformShm.checksumMethod()),
        path: await codeOf(() => ipc.PlatformShm.path({ dir })),
        client: await codeOf(() =>
          ipc.IpcFactory.createClient({ dir, websocket })
        ),
        shield: await codeOf(() =>
          ipc.IpcFactory.createTransport({ dir, websocket })
        ),
        reader: await codeOf(() => new ipc.ShmClient({ dir })),
        writer: await codeOf(() => new ipc.SharedMemoryIpc({ dir }))
      }
    }, ring.dir)
    const none = 'ERR_SHM_UNAVAILABLE'
    assert.deepEqual(told, {
      available: false,
      reason: 'KINDLY_GUARD_IPC_NO_NATIVE=1 forbids the native addon',
      directory: none,
      checksum: none,
      path: null,
      client: none,
      shield: none,
      reader: none,
      writer: none
    })
  })
})
