'use strict'
// A Shield whose ring cannot be opened: it holds the ring's lock meanwhile, tries
// again, and ends when another one has the ring by then.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { native } = require('../../lib/shm/addon.js')
const { IpcFactory } = require('../../lib/index.js')
const { useFactory, write } = require('../helpers/factory.js')
const { useClock } = require('../helpers/clock.js')
const { threat } = require('../helpers/ring.js')
const { record, until } = require('../helpers/wait.js')

const RETRY_MS = 1000

describe('a Shield whose ring cannot be opened', () => {
  const clock = useClock()
  const { current, shared, shieldOf } = useFactory()
  const { Lock } = native
  let ring
  let locks // { isFree }, in order

  beforeEach(() => {
    ring = current()
    locks = []
    native.Lock = function MadeLock(options) {
      const lock = new Lock(options)
      const made = { isFree: false }
      locks.push(made)
      return {
        free() {
          made.isFree = true
          lock.free()
        }
      }
    }
    clock.begin()
  })

  afterEach(() => {
    native.Lock = Lock
  })

  /** One that has the lock and no ring, since a directory is in its place. */
  async function withoutRing() {
    fs.mkdirSync(ring.file)
    const shield = await shieldOf(IpcFactory.createHybridTransport, shared())
    assert.equal(shield.stats().transport, 'websocket')
    assert.deepEqual(locks, [{ isFree: false }])
    return shield
  }

  it('F33 tries it every second, and holds the lock in between', async () => {
    const shield = await withoutRing()
    write(shield, 2)
    clock.advance(RETRY_MS - 1 - clock.now())
    assert.equal(locks.length, 1)
    for (let tries = 1; tries <= 3; tries++) {
      clock.advance(tries === 1 ? 1 : RETRY_MS)
      assert.deepEqual(
        locks.map(({ isFree }) => isFree),
        [...Array(tries).fill(true), false]
      )
      // It is the one that holds it: nobody else has it now.
      assert.throws(() => new Lock({ __proto__: null, dir: ring.dir }), {
        code: 'ERR_RING_LOCKED'
      })
    }
  })

  it('has it when it can be opened, and tries no more', async () => {
    const shield = await withoutRing()
    write(shield, 2)
    fs.rmdirSync(ring.file)
    clock.advance(RETRY_MS)
    assert.equal(shield.isShmActive(), true)
    assert.deepEqual(locks, [{ isFree: true }])
    clock.advance(10 * RETRY_MS)
    assert.equal(locks.length, 1)
    // What goes on in the ring is behind what went without it.
    assert.equal(shield.writeThreat(threat()), 1)
    assert.equal(shield.stats().published, 3)
  })

  it('F33 ends when another one has it by then', async () => {
    const shield = await withoutRing()
    const errors = record(shield, 'error')
    // Another directory comes into the place of this one, with a Shield in it.
    const other = `${ring.dir}.other`
    fs.mkdirSync(other, { mode: 0o700 })
    const child = ring.child()
    await child.call((state, dir) => {
      state.writer = new state.ipc.SharedMemoryIpc({ dir })
    }, other)
    fs.renameSync(ring.dir, `${ring.dir}.away`)
    fs.renameSync(other, ring.dir)
    try {
      clock.advance(RETRY_MS)
      await until(() => errors.length > 0, 'its end')
      assert.equal(errors[0].code, 'ERR_RING_LOCKED')
      assert.equal(shield.stats().transport, 'none')
      assert.throws(() => shield.writeThreat(threat()), {
        code: 'ERR_RING_LOCKED'
      })
      clock.advance(10 * RETRY_MS)
      assert.equal(errors.length, 1)
    } finally {
      await child.kill()
      fs.rmSync(`${ring.dir}.away`, { recursive: true, force: true })
    }
  })

  it('that is closed tries no more', async () => {
    const shield = await withoutRing()
    await shield.close()
    fs.rmdirSync(ring.file)
    clock.advance(10 * RETRY_MS)
    assert.deepEqual(locks, [{ isFree: true }])
    assert.equal(fs.existsSync(ring.file), false)
  })
})
