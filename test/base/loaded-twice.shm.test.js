'use strict'
// The package twice in one process: a test runner loads it anew for each of
// its files, and gives all of them the one addon.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const ipc = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

const LIB = path.join(__dirname, '..', '..', 'lib') + path.sep

/** Loads what a copy would load when it is first used. */
function loadAll(copy) {
  for (const name of Object.keys(copy)) assert(copy[name], name)
  const { createClient, createTransport } = copy.IpcFactory
  assert.throws(() => createTransport({ wrong: 1 }), /wrong/)
  createClient({ wrong: 1 }).catch(() => {})
  return copy
}

/** Another copy of the package, which is whole before the first one's files are
 * back in the cache. */
function loadAgain() {
  const kept = Object.entries(require.cache).filter(([file]) =>
    file.startsWith(LIB)
  )
  const forget = () => {
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(LIB)) delete require.cache[file]
    }
  }
  forget()
  try {
    return loadAll(require('../../lib/index.js'))
  } finally {
    forget()
    for (const [file, module] of kept) require.cache[file] = module
  }
}

describe('loaded twice', () => {
  const copies = {
    'the first copy': loadAll(ipc),
    'the second copy': loadAgain()
  }
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  it('F72 they are two', () => {
    const [first, second] = Object.values(copies)
    assert.notEqual(first.IpcError, second.IpcError)
  })

  for (const [name, own] of Object.entries(copies)) {
    const { IpcError, IpcFactory, PlatformShm, SharedMemoryIpc, ShmClient } =
      own

    /** `action` throws an error of this copy. */
    function assertOwn(action, code) {
      assert.throws(action, (error) => {
        assert.equal(error.code, code)
        assert.equal(Object.getPrototypeOf(error), IpcError.prototype)
        assert.equal(error.name, 'IpcError')
        assert(error.stack.includes(error.message))
        return true
      })
    }

    it(`F72 ${name} throws errors of its own`, () => {
      const { dir } = ring
      assertOwn(() => new ShmClient({ dir }), 'ERR_NO_RING')
      const writer = ring.keep(new SharedMemoryIpc({ dir, maxEvents: 16 }))
      assertOwn(() => new SharedMemoryIpc({ dir }), 'ERR_RING_LOCKED')
      const large = threat('d'.repeat(2000))
      assertOwn(() => writer.writeThreat(large), 'ERR_EVENT_TOO_LARGE')
      assertOwn(() => writer.writeThreats([large]), 'ERR_EVENT_TOO_LARGE')
      fs.chmodSync(dir, 0o755)
      assertOwn(() => new ShmClient({ dir }), 'ERR_UNSAFE_PATH')
      fs.chmodSync(dir, 0o700)
      assert.throws(() => new ShmClient({ dir: `/${'d'.repeat(600)}` }), {
        name: 'RangeError',
        code: 'ERR_INVALID_OPTION'
      })
      assert.equal(typeof PlatformShm.checksumMethod(), 'string')
    })

    it(`F72 ${name} reads and writes what the other one does`, async () => {
      const { dir } = ring
      for (const other of Object.values(copies)) {
        const writer = new own.SharedMemoryIpc({ dir })
        const client = ring.keep(new other.ShmClient({ dir }))
        writer.writeThreat(threat('across'))
        const [one] = await collect(client, 1)
        assert.equal(one.details, 'across')
        await writer.close()
      }
    })

    it(`F72 ${name} goes on without a ring that is gone`, async () => {
      const shield = ring.keep(
        IpcFactory.createHybridTransport({
          dir: ring.dir,
          websocket: { port: 0 }
        })
      )
      await shield.ready()
      shield.writeThreat(threat())
      // It cannot be made anew either.
      ring.takeAway()
      shield.isHealthy()
      const sequence = shield.writeThreat(threat())
      ring.bringBack()
      assert.equal(sequence, 2)
      const { transport, errors } = shield.stats()
      assert.equal(transport, 'websocket')
      assert(errors.shm instanceof IpcError)
    })
  }

  it('F72 a signal of another make ends a poll', async () => {
    ring.writer()
    const client = ring.client()
    const target = new EventTarget()
    const signal = {
      aborted: false,
      addEventListener: (...values) => target.addEventListener(...values),
      removeEventListener: (...values) => target.removeEventListener(...values)
    }
    const polled = client.pollThreats(() => {}, { signal })
    target.dispatchEvent(new Event('abort'))
    await polled
  })
})
