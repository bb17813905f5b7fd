'use strict'
// One writer per ring, and what becomes of the ring when it dies.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { LIBRARY } = require('../helpers/child.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, record, until, within } = require('../helpers/wait.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { IS_WINDOWS } = require('../helpers/system.js')

/** In a child: becomes the writer. */
function open(state, options) {
  state.writer = new state.ipc.SharedMemoryIpc(options)
  return state.writer.stats()
}

/** In a child: writes `count` threats that say who wrote them. What it is to
 * unlink goes in the same turn, so that no heartbeat comes in between. */
function write(state, { count, name, unlink = [] }) {
  for (const file of unlink) state.require('node:fs').unlinkSync(file)
  for (let i = 0; i < count; i++) {
    state.writer.writeThreat({
      threatType: 'PathTraversal',
      severity: 'Low',
      source: name,
      details: `${i}`
    })
  }
  return state.writer.stats().sequence
}

// Of a ring, whatever its own file is called on Windows.
const FILES = IS_WINDOWS
  ? ['kindly-guard.lock', 'kindly-guard.shm']
  : ['kindly-guard.lock', 'kindly-guard.shm', 'kindly-guard.wake']
const filesIn = (dir) =>
  fs
    .readdirSync(dir)
    .filter((name) => !name.endsWith('.ring'))
    .sort()

describe('lock', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  function names(pid) {
    return (error) => {
      assert.equal(error.code, 'ERR_RING_LOCKED')
      assert(error.message.includes(ring.file), error.message)
      assert.match(error.message, new RegExp(`\\bprocess ${pid}\\b`))
      assert.match(error.message, /if its header is right/)
      return true
    }
  }

  it('F33 a second writer in this thread: ERR_RING_LOCKED names us', () => {
    const writer = ring.writer()
    const before = ring.fingerprint()
    for (const maxEvents of [1000, 16, 4096]) {
      assert.throws(() => ring.writer({ maxEvents }), names(process.pid))
    }
    assert.deepEqual(ring.fingerprint(), before)
    assert.equal(writer.writeThreat(threat()), 1)
  })

  it('F33 a second writer in a worker: ERR_RING_LOCKED names us', async () => {
    const writer = ring.writer()
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
       const { SharedMemoryIpc } = require(workerData.library)
       try {
         new SharedMemoryIpc({ dir: workerData.dir })
         parentPort.postMessage({ code: 'none' })
       } catch ({ name, code, message }) {
         parentPort.postMessage({ name, code, message })
       }`,
      { eval: true, workerData: { library: LIBRARY, dir: ring.dir } }
    )
    const error = await within(
      new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      }),
      'the worker'
    )
    assert.equal(error.name, 'IpcError')
    names(process.pid)(error)
    await worker.terminate()
    // Its end frees nothing of ours.
    assert.throws(() => ring.writer(), names(process.pid))
    assert.equal(writer.isHealthy(), true)
  })

  it('F33 a second writer in a process: ERR_RING_LOCKED both ways', async () => {
    const child = ring.child()
    const writer = ring.writer()
    const options = { dir: ring.dir }
    await assert.rejects(child.call(open, options), names(process.pid))
    writer.close()
    await child.call(open, options)
    assert.throws(() => ring.writer(), names(child.pid))
    await child.call((state) => state.writer.close())
    ring.writer()
  })

  it('F33 other names are other rings', () => {
    ring.writer({ name: 'one' })
    ring.writer({ name: 'two' })
    assert.throws(() => ring.writer({ name: 'one' }), {
      code: 'ERR_RING_LOCKED'
    })
  })

  it('F35 the pid in the header is for people, and never believed', () => {
    const writer = ring.writer()
    const bytes = ring.bytes()
    // Nobody has the first, and the second always lives.
    for (const pid of [0x7ffffffe, 1, 0]) {
      bytes.set('writerPid', pid)
      assert.throws(() => ring.writer(), names(pid))
      assert.equal(ring.client().stats().writer, 'live')
    }
    writer.close()
    for (const pid of [1, process.pid, process.ppid]) {
      bytes.set('writerPid', pid)
      assert.equal(ring.client().stats().writer, 'gone')
      ring.writer().close()
    }
  })

  it('F36 a lock file that is empty or garbage is harmless', () => {
    const contents = ['', '1', `${process.pid}\n`, '\0'.repeat(5000), '-1']
    for (const content of contents) {
      fs.writeFileSync(ring.lock, content, { mode: 0o600 })
      const writer = ring.writer()
      assert.throws(() => ring.writer(), names(process.pid))
      writer.writeThreat(threat())
      assert.equal(fs.readFileSync(ring.lock, 'utf8'), content)
      writer.close()
    }
  })

  it('F36 the lock file stays when the writer goes', async () => {
    const writer = ring.writer()
    const { ino } = fs.statSync(ring.lock)
    await writer.close()
    assert.equal(fs.statSync(ring.lock).ino, ino)
    ring.writer()
    assert.equal(fs.statSync(ring.lock).ino, ino)
  })

  it('F37 of 12 that start at once exactly one wins', async () => {
    const children = numbers(1, 12).map(() => ring.child())
    // All are up before the first begins.
    await Promise.all(children.map((child) => child.call(() => {})))
    for (let round = 0; round < 3; round++) {
      const outcomes = await Promise.all(
        children.map((child) =>
          child.call(open, { dir: ring.dir }).then(
            () => 'won',
            ({ code }) => code
          )
        )
      )
      assert.deepEqual(outcomes.sort(), [
        ...numbers(1, 11).map(() => 'ERR_RING_LOCKED'),
        'won'
      ])
      assert.deepEqual(filesIn(ring.dir), FILES)
      await Promise.all(
        children.map((child) =>
          child.call((state) => {
            state.writer?.close()
            state.writer = undefined
          })
        )
      )
    }
  })

  const targets = {
    'the lock file': ['kindly-guard.lock'],
    'the ring': ['kindly-guard.shm'],
    both: ['kindly-guard.lock', 'kindly-guard.shm']
  }
  for (const [name, files] of Object.entries(targets)) {
    it(`F24 F38 ${name} unlinked while held: one writer, exact`, async () => {
      const child = ring.child()
      const { generation } = await child.call(open, { dir: ring.dir })
      const client = ring.client()
      const seen = record(client, 'threat')
      const lost = record(client, 'lost')
      await child.call(write, { count: 10, name: 'before' })
      await until(() => seen.length > 0, 'the first')

      const unlink = files.map((file) => path.join(ring.dir, file))
      await child.call(write, { count: 5, name: 'unlinked', unlink })
      // Its heartbeat puts back what is missing.
      await until(
        () => unlink.every((file) => fs.existsSync(file)),
        'the files are back'
      )
      await until(
        () => child.call((state) => state.writer.isHealthy()),
        'the writer is healthy'
      )
      assert.throws(() => ring.writer(), names(child.pid))
      await child.call(write, { count: 7, name: 'after' })
      await until(() => seen.length === 22, 'all of them')

      const isNew = files.includes('kindly-guard.shm')
      assert.deepEqual(
        sequences(seen),
        isNew ? [...numbers(1, 15), ...numbers(1, 7)] : numbers(1, 22)
      )
      assert.deepEqual(lost, [])
      const now = await child.call((state) => state.writer.stats())
      assert.equal(now.generation !== generation, isNew)
      assert.equal(now.replaced, isNew ? 1 : 0)
      assert.equal(client.stats().generation, now.generation)
      assert.equal(client.stats().received, 22)
      assert.deepEqual(filesIn(ring.dir), FILES)
    })

    it(`F38 ${name} unlinked, and another comes first: never two`, async () => {
      const child = ring.child()
      await child.call(open, { dir: ring.dir })
      await child.call(write, { count: 3, name: 'first' })
      child.signal('SIGSTOP')
      for (const file of files) fs.unlinkSync(path.join(ring.dir, file))
      const isFree = files.length === 2
      if (!isFree && files[0] === 'kindly-guard.lock') {
        // The ring's own lock is still held.
        assert.throws(() => ring.writer(), names(child.pid))
        child.signal('SIGCONT')
      } else if (!isFree) {
        assert.throws(() => ring.writer(), { code: 'ERR_RING_LOCKED' })
        child.signal('SIGCONT')
      } else {
        const second = ring.writer()
        second.writeThreat(threat('of the second'))
        child.signal('SIGCONT')
        // The displaced one finds out, and may not write any more.
        await until(
          () => child.call((state) => !state.writer.isHealthy()),
          'the first knows'
        )
        await assert.rejects(child.call(write, { count: 1, name: 'first' }), {
          code: 'ERR_RING_LOCKED'
        })
        assert.equal(second.writeThreat(threat()), 2)
        assert.equal(second.isHealthy(), true)
        const client = ring.client({ from: 1 })
        assert.equal(client.poll().length, 2)
        await second.close()
        // Free again: it recreates.
        await until(
          () => child.call((state) => state.writer.isHealthy()),
          'the first is back'
        )
        assert.throws(() => ring.writer(), names(child.pid))
        await child.call(write, { count: 1, name: 'first' })
      }
    })
  }

  it('F34 kill -9 and take over, again and again: exact', async () => {
    const client = ring.client.bind(ring)
    let child = ring.child()
    const { generation } = await child.call(open, { dir: ring.dir })
    const reader = client()
    const seen = record(reader, 'threat')
    const lost = record(reader, 'lost')
    const states = record(reader, 'writer')
    for (let round = 1; round <= 5; round++) {
      const last = await child.call(write, { count: 20, name: `${round}` })
      assert.equal(last, round * 20)
      await child.kill()
      await until(() => states.at(-1) === 'gone', 'the writer is gone')
      assert.equal(reader.stats().writer, 'gone')
      assert.equal(reader.isHealthy(), false)
      child = ring.child()
      const stats = await child.call(open, { dir: ring.dir })
      assert.equal(stats.generation, generation)
      assert.equal(stats.sequence, last)
      await until(() => states.at(-1) === 'live', 'the next one lives')
      assert.equal(reader.isHealthy(), true)
    }
    await until(() => seen.length === 100, 'all of them')
    assert.deepEqual(sequences(seen), numbers(1, 100))
    assert.deepEqual(
      seen.map(({ id }) => id),
      numbers(1, 100).map((sequence) => `${generation}-${sequence}`)
    )
    assert.deepEqual(lost, [])
    assert.deepEqual(
      states,
      numbers(1, 5).flatMap(() => ['gone', 'live'])
    )
  })

  it('F34 killed in full flight: whole and in order', async () => {
    const reader = { received: 0, lost: 0, next: 1 }
    let client
    for (let round = 0; round < 10; round++) {
      const child = ring.child()
      await child.call(open, { dir: ring.dir, maxEvents: 256 })
      if (round === 0) {
        client = ring.client()
        client.on('threat', ({ sequence, details, context }) => {
          assert.equal(sequence, reader.next++)
          assert.equal(context.length, Number(details) % 2000)
          reader.received++
        })
        client.on('lost', ({ count, from, to, reason }) => {
          assert.deepEqual(
            [from, to, reason],
            [reader.next, reader.next + count - 1, 'overwritten']
          )
          reader.next = to + 1
          reader.lost += count
        })
      }
      const { sequence } = client.stats()
      await child.call((state) => {
        let i = 0
        setInterval(() => {
          for (let n = 0; n < 200; n++) {
            state.writer.writeThreat({
              threatType: 1,
              severity: 1,
              source: 's',
              details: `${++i}`,
              context: 'x'.repeat(i % 2000)
            })
          }
        })
      })
      await until(() => client.stats().sequence > sequence + 500, 'some of it')
      await child.kill()
    }
    const writer = ring.writer({ maxEvents: 256 })
    const last = writer.writeThreat(threat('2000', { context: '' }))
    await until(() => client.stats().sequence === last, 'the last')
    assert.equal(reader.received + reader.lost, last)
    assert.equal(client.stats().corrupt, 0)
    assert.equal(client.stats().received, reader.received)
  })

  it('F39 a stopped writer is stalled and keeps its lock', async () => {
    const child = ring.child()
    await child.call(open, { dir: ring.dir })
    const client = ring.client()
    const states = record(client, 'writer')
    assert.equal(client.stats().writer, 'live')
    child.signal('SIGSTOP')
    await until(() => states.at(-1) === 'stalled', 'it is stalled')
    assert.equal(client.stats().writer, 'stalled')
    assert.equal(client.isHealthy(), false)
    assert.throws(() => ring.writer(), names(child.pid))
    child.signal('SIGCONT')
    await until(() => states.at(-1) === 'live', 'it is back')
    assert.equal(client.isHealthy(), true)
    await child.call(write, { count: 1, name: 'back' })
    assert.equal((await collect(client, 1))[0].source, 'back')
    assert.deepEqual(states, ['stalled', 'live'])
  })
})
