'use strict'
// Reliable readers: what they have not taken is not overwritten by a writer
// that rejects, and nobody else is waited for.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { spy, useNative } = require('../helpers/native.js')
const { noise, threat, useRing } = require('../helpers/ring.js')
const { collect, record, sleep, until, within } = require('../helpers/wait.js')
const { numbers, sequences } = require('../helpers/sequences.js')

const CAPACITY = 64
const FOR_EVER = 3_600_000

/** In a child: reads from now on, each event in its turn, and keeps account. */
function read(state, { pauseEvery = 0, pauseMs = 0, ...options }) {
  const client = new state.ipc.ShmClient(options)
  const account = { received: 0, lost: [], wrong: [] }
  let next = client.stats().sequence + 1
  Object.assign(state, { client, account })
  client.on('lost', (loss) => {
    if (loss.from !== next) account.wrong.push({ loss, next })
    account.lost.push(loss)
    next = loss.to + 1
  })
  client.pollThreats(async ({ sequence, details }) => {
    if (sequence !== next || details !== `${sequence}`) {
      account.wrong.push({ sequence, next, details })
    }
    next = sequence + 1
    account.received++
    if (pauseEvery > 0 && account.received % pauseEvery === 0) {
      await state.sleep(pauseMs)
    }
  })
}

/** In a child: what read() has counted once it is past this event. */
async function accountAt(state, sequence) {
  while (state.client.stats().sequence < sequence) await state.sleep(1)
  return { ...state.account, reliable: state.client.stats().reliable }
}

describe('reliable readers', () => {
  const made = useNative()
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  function rejecting(options = {}) {
    return ring.writer({
      maxEvents: CAPACITY,
      overflow: 'reject',
      readerTimeoutMs: FOR_EVER,
      ...options
    })
  }

  const reliable = (options) => ring.client({ reliable: true, ...options })

  /** Writes until the ring is full; returns the last sequence. */
  function fill(writer) {
    for (;;) {
      try {
        writer.writeThreat(threat(`${writer.stats().sequence + 1}`))
      } catch (error) {
        assert.equal(error.code, 'ERR_RING_FULL', error.stack)
        return writer.stats().sequence
      }
    }
  }

  /** Writes until that one is written, waiting for room. */
  async function writeUpTo(writer, last) {
    for (let { sequence } = writer.stats(); sequence < last;) {
      try {
        sequence = writer.writeThreat(threat(`${sequence + 1}`))
      } catch (error) {
        assert.equal(error.code, 'ERR_RING_FULL', error.stack)
        await within(writer.writable(), 'room')
      }
    }
  }

  describe('a full ring', () => {
    it('refuses, and all stays as it was', () => {
      const writer = rejecting()
      const client = reliable()
      const drained = record(writer, 'drain')
      assert.equal(fill(writer), CAPACITY)
      const bytes = ring.fingerprint()
      const before = writer.stats()
      const full = {
        name: 'IpcError',
        code: 'ERR_RING_FULL',
        message: /Nothing was written/
      }
      assert.throws(() => writer.writeThreat(threat()), full)
      assert.throws(() => writer.writeThreats([threat(), threat()]), full)
      assert.throws(() => writer.writeThreat(threat('x'.repeat(1000))), full)
      assert.deepEqual(ring.fingerprint(), bytes)
      assert.deepEqual(writer.stats(), {
        ...before,
        rejected: before.rejected + 4
      })
      assert.deepEqual(sequences(client.poll()), numbers(1, CAPACITY))
      assert.equal(writer.writeThreat(threat()), CAPACITY + 1)
      assert.deepEqual(drained, [])
    })

    it('drains once, when there is room for what was refused', async () => {
      const writer = rejecting()
      const client = reliable()
      fill(writer)
      let drained = 0
      writer.on('drain', () => drained++)
      await sleep(60)
      assert.equal(drained, 0)
      client.poll()
      await until(() => drained === 1, 'drain')
      await writeUpTo(writer, CAPACITY + 10)
      client.poll()
      await sleep(120)
      assert.equal(drained, 1)
      fill(writer)
      client.poll()
      await until(() => drained === 2, 'drain again')
    })

    it('that refused a batch drains when there is room for it', async () => {
      const writer = rejecting()
      const client = reliable()
      fill(writer)
      const batch = new Array(CAPACITY / 4).fill(threat())
      assert.throws(() => writer.writeThreats(batch), { code: 'ERR_RING_FULL' })
      let written = 0
      writer.on('drain', () => {
        written = writer.writeThreats(batch)
      })
      client.poll()
      await until(() => written === CAPACITY + batch.length, 'the batch')
    })

    it('does not drain without a reader that makes room', async () => {
      const writer = rejecting()
      reliable()
      const other = ring.client()
      fill(writer)
      const drained = record(writer, 'drain')
      assert.equal(other.poll().length, CAPACITY)
      await sleep(120)
      assert.deepEqual(drained, [])
    })

    it('drains when the reader in the way closes', async () => {
      const writer = rejecting()
      const client = reliable()
      fill(writer)
      const drained = record(writer, 'drain')
      client.close()
      await until(() => drained.length === 1, 'drain')
      assert.deepEqual(writer.stats().readers, [])
      assert.equal(writer.writeThreat(threat()), CAPACITY + 1)
    })
  })

  describe('writable', () => {
    it('after a refusal: waits for all the slots that it takes', async () => {
      const writer = ring.writer({ maxEvents: 16, overflow: 'reject' })
      const reader = ring.client({ reliable: true, from: 'oldest' })
      fill(writer)
      // A lead and three slots behind it.
      const large = threat('x', { context: noise(700) })
      assert.throws(() => writer.writeThreat(large), { code: 'ERR_RING_FULL' })
      const asked = []
      spy(made.writers[0], 'hasSpace', (slots) => asked.push(slots))
      const waiting = writer.writable()
      assert.deepEqual(asked, [4])
      assert.equal(reader.poll(1).length, 1)
      await waiting
      writer.writeThreat(large)
    })

    it('is at once where there is room', async () => {
      const writer = rejecting()
      reliable()
      await within(writer.writable(), 'room')
      const other = ring.writer({ name: 'other', maxEvents: 16 })
      for (let i = 0; i < 40; i++) other.writeThreat(threat())
      await within(other.writable(), 'room of one that overwrites')
    })

    it('waits until a reader makes room', async () => {
      const writer = rejecting()
      const client = reliable()
      fill(writer)
      const resolved = []
      const waiting = ['a', 'b'].map((name) =>
        writer.writable().then(() => resolved.push(name))
      )
      await sleep(60)
      assert.deepEqual(resolved, [])
      client.poll()
      await within(Promise.all(waiting), 'room')
      assert.equal(writer.writeThreat(threat()), CAPACITY + 1)
    })

    it('rejects when the writer closes, and after that', async () => {
      const writer = rejecting()
      reliable()
      fill(writer)
      const waiting = writer.writable()
      writer.close()
      await assert.rejects(waiting, { code: 'ERR_CLOSED' })
      await assert.rejects(writer.writable(), { code: 'ERR_CLOSED' })
    })

    it('holds the process while somebody awaits it', async () => {
      const program = ring.program(async (ipc, { dir }) => {
        const writer = new ipc.SharedMemoryIpc({
          ...{ dir, maxEvents: 16, overflow: 'reject' },
          readerTimeoutMs: 50
        })
        // Held so that it stays, and evicted in the end.
        globalThis.client = new ipc.ShmClient({ dir, reliable: true })
        const one = { threatType: 1, severity: 1, source: 's', details: 'd' }
        for (let i = 0; i < 16; i++) writer.writeThreat(one)
        await writer.writable()
        console.log(writer.writeThreat(one), writer.stats().evicted)
      })
      const { code, stdout } = await within(program.exited, 'its end')
      assert.deepEqual([code, stdout], [0, '17 1\n'])
    })
  })

  for (const event of ['drain', 'writable']) {
    it(`a writer that only its own ${event} leads to is not collected`, async () => {
      const program = ring.program(
        async (ipc, { dir, wait }) => {
          const { once } = require('node:events')
          const { setTimeout: pause } = require('node:timers/promises')
          const one = { threatType: 1, severity: 1, source: 's', details: 'd' }
          async function publish() {
            const writer = new ipc.SharedMemoryIpc({
              ...{ dir, maxEvents: 16, overflow: 'reject' },
              readerTimeoutMs: 3_600_000
            })
            globalThis.client = new ipc.ShmClient({ dir, reliable: true })
            for (let i = 0; i < 16; i++) writer.writeThreat(one)
            try {
              writer.writeThreat(one)
            } catch {
              await (wait === 'drain' ? once(writer, wait) : writer.writable())
            }
            console.log(writer.writeThreat(one))
          }
          // Holds the process, which `drain` does not: one that nobody wakes
          // does not end.
          const holds = setInterval(() => {}, 1000)
          publish().finally(() => clearInterval(holds))
          for (let i = 0; i < 20; i++) {
            await pause(5)
            globalThis.gc()
          }
          globalThis.client.poll()
        },
        { wait: event },
        { flags: ['--expose-gc'] }
      )
      const { stdout, stderr } = await within(program.exited, 'its end')
      assert.deepEqual([stdout, stderr], ['17\n', ''])
    })
  }

  it('lose nothing, beside others that lose what they are late for', async () => {
    const COUNT = 20 * CAPACITY
    const writer = rejecting()
    const quick = reliable()
    const lazy = ring.client()
    const got = []
    quick.on('threat', ({ sequence }) => got.push(sequence))
    const losses = record(lazy, 'lost')
    await writeUpTo(writer, COUNT)
    await until(() => got.length === COUNT, 'the last')
    assert.deepEqual(got, numbers(1, COUNT))
    assert.equal(quick.stats().lost, 0)
    const rest = lazy.poll()
    assert.deepEqual(
      sequences(rest),
      numbers(COUNT - CAPACITY + 1, COUNT),
      'what still stands'
    )
    const { generation } = writer.stats()
    const to = COUNT - CAPACITY
    assert.deepEqual(losses, [
      { count: to, from: 1, to, priority: 0, generation, reason: 'overwritten' }
    ])
    assert(writer.stats().rejected > 0, 'the ring was never full')
    assert.equal(writer.stats().overwritten, to)
  })

  it('are like others with a writer that overwrites', () => {
    const writer = ring.writer({ maxEvents: CAPACITY })
    const client = reliable()
    const losses = record(client, 'lost')
    for (let i = 1; i <= 3 * CAPACITY; i++) writer.writeThreat(threat(`${i}`))
    assert.equal(client.poll().length, CAPACITY)
    const { received, lost } = client.stats()
    assert.deepEqual([received, lost], [CAPACITY, 2 * CAPACITY])
    assert.deepEqual(
      losses.map(({ reason }) => reason),
      ['overwritten']
    )
    assert.equal(writer.stats().rejected, 0)
  })

  it('are 128 at the most, each of which counts', async () => {
    const writer = rejecting()
    const clients = Array.from({ length: 128 }, () => reliable())
    assert.throws(() => reliable(), {
      name: 'IpcError',
      code: 'ERR_TOO_MANY_READERS'
    })
    // Of those that are not, there can be more.
    ring.client()
    fill(writer)
    for (const [i, client] of clients.entries()) {
      assert.throws(
        () => writer.writeThreat(threat()),
        { code: 'ERR_RING_FULL' },
        `reader ${i} was not waited for`
      )
      assert.deepEqual(sequences(client.poll()), numbers(1, CAPACITY))
    }
    assert.equal(writer.writeThreat(threat()), CAPACITY + 1)
    assert.deepEqual(
      writer.stats().readers.map(({ cell, lag, alive }) => [cell, lag, alive]),
      clients.map((_, i) => [i, 1, true])
    )
    await clients[77].close()
    const late = reliable()
    writer.writeThreat(threat('for all'))
    assert.deepEqual(sequences(late.poll()), [CAPACITY + 2])
    for (const client of clients) {
      if (!client.closed) {
        assert.equal((await collect(client, 2)).length, 2)
        assert.equal(client.stats().lost, 0)
        // One that is woken takes one of a user's 128 watches, which other
        // files of tests need at the same time.
        await client.close()
      }
    }
  })

  it('four at different speeds, in other processes: 0 lost', async () => {
    const COUNT = 20_000
    const writer = rejecting({ maxEvents: 1024 })
    const paces = [
      {},
      { pauseEvery: 500, pauseMs: 1 },
      { pauseEvery: 200, pauseMs: 2 },
      { pauseEvery: 1000, pauseMs: 50 }
    ]
    const children = await Promise.all(
      paces.map(async (pace) => {
        const child = ring.child()
        await child.call(read, { dir: ring.dir, reliable: true, ...pace })
        return child
      })
    )
    await writeUpTo(writer, COUNT)
    for (const child of children) {
      const { received, lost, wrong } = await child.call(accountAt, COUNT)
      assert.deepEqual([received, lost, wrong], [COUNT, [], []])
    }
    const { rejected, evicted, overwritten, readers } = writer.stats()
    assert(rejected > 0, 'the ring was never full')
    assert.deepEqual([evicted, overwritten], [0, COUNT - 1024])
    assert.deepEqual(
      readers.map(({ lag, evicted: was, alive }) => [lag, was, alive]),
      children.map(() => [0, false, true])
    )
  })

  it('F41 kill -9 of one in the way frees its cell at once', async () => {
    const writer = rejecting()
    const here = reliable()
    for (let round = 0; round < 10; round++) {
      const child = ring.child()
      await child.call((state, dir) => {
        state.client = new state.ipc.ShmClient({ dir, reliable: true })
      }, ring.dir)
      const last = fill(writer)
      here.poll()
      assert.throws(() => writer.writeThreat(threat()), {
        code: 'ERR_RING_FULL'
      })
      assert.equal(writer.stats().readers.length, 2)
      await child.kill()
      // Its timeout is an hour: the kernel's word it is.
      const sequence = writer.writeThreat(threat(`${last + 1}`))
      assert.equal(sequence, last + 1)
      assert.equal(writer.stats().readers.length, 1)
      here.poll()
    }
    assert.deepEqual([writer.stats().evicted, here.stats().lost], [0, 0])
  })

  it('F41 kill -9 of readers in full flight: nothing left', async () => {
    const writer = rejecting({ maxEvents: 1024 })
    const here = reliable()
    let next = 1
    here.on('threat', ({ sequence }) => {
      assert.equal(sequence, next++)
    })
    for (let round = 0; round < 5; round++) {
      const children = [ring.child(), ring.child(), ring.child()]
      await Promise.all(
        children.map((child) =>
          child.call(read, { dir: ring.dir, reliable: true })
        )
      )
      const last = writer.stats().sequence + 5000
      const written = writeUpTo(writer, last)
      for (const child of children) {
        await sleep(Math.random() * 10)
        await child.kill()
      }
      await written
    }
    await until(() => next === 25_001, 'the last')
    assert.equal(here.stats().lost, 0)
    writer.writeThreat(threat('25001'))
    const { readers, evicted } = writer.stats()
    assert.deepEqual(
      readers.filter(({ alive }) => alive).map(({ cell }) => cell),
      [0]
    )
    assert.equal(evicted, 0)
  })

  /** One that took nothing for long: evicted, told, reliable again. */
  async function assertEvicted(stop, goOn) {
    const writer = rejecting({ readerTimeoutMs: 100 })
    const child = ring.child()
    await child.call(read, { dir: ring.dir, reliable: true })
    await writeUpTo(writer, 10)
    const before = await child.call(accountAt, 10)
    assert.deepEqual([before.received, before.reliable], [10, true])
    await stop(child)
    await writeUpTo(writer, 10 + 5 * CAPACITY)
    const { evicted, readers } = writer.stats()
    assert.equal(evicted, 1)
    assert.deepEqual([readers[0].evicted, readers[0].alive], [true, true])
    await goOn(child)
    const last = 10 + 5 * CAPACITY
    const {
      received,
      lost,
      wrong,
      reliable: again
    } = await child.call(accountAt, last)
    assert.deepEqual(wrong, [])
    assert.equal(
      received + lost.reduce((sum, { count }) => sum + count, 0),
      last
    )
    assert.deepEqual(
      lost.map(({ reason, generation }) => [reason, generation]),
      lost.map(() => ['evicted', writer.stats().generation])
    )
    assert(lost.length > 0, 'it lost nothing')
    assert.equal(again, true)
    // And it is waited for again.
    await child.call((state) => state.client.stats().sequence)
    assert.equal(writer.stats().readers[0].evicted, false)
  }

  it('F39 SIGSTOP of one: evicted in time, told exactly', async () => {
    await assertEvicted(
      (child) => child.signal('SIGSTOP'),
      (child) => child.signal('SIGCONT')
    )
  })

  it('F49 an event loop that is blocked: evicted, told exactly', async () => {
    const files = { blocked: `${ring.dir}/blocked`, free: `${ring.dir}/free` }
    await assertEvicted(
      async (child) => {
        await child.call((state, { blocked, free }) => {
          const { existsSync, writeFileSync } = state.require('node:fs')
          // From a turn of its own, behind this answer.
          setTimeout(() => {
            writeFileSync(blocked, '')
            while (!existsSync(free)) {
              Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
            }
          }, 5)
        }, files)
        await until(() => fs.existsSync(files.blocked), 'a blocked loop')
      },
      () => fs.writeFileSync(files.free, '')
    )
  })

  it('F34 the next writer waits for those who were there', async () => {
    const child = ring.child()
    await child.call(
      (state, options) => {
        state.writer = new state.ipc.SharedMemoryIpc(options)
      },
      { dir: ring.dir, maxEvents: CAPACITY, overflow: 'reject' }
    )
    const client = reliable()
    await child.call((state, count) => {
      for (let i = 1; i <= count; i++) {
        state.writer.writeThreat({
          ...{ threatType: 1, severity: 1, source: 's' },
          details: `${i}`
        })
      }
    }, CAPACITY)
    await child.kill()
    const writer = rejecting()
    assert.throws(() => writer.writeThreat(threat()), { code: 'ERR_RING_FULL' })
    const got = []
    client.on('threat', ({ sequence, details }) => {
      assert.equal(details, `${sequence}`)
      got.push(sequence)
    })
    await writeUpTo(writer, 3 * CAPACITY)
    await until(() => got.length === 3 * CAPACITY, 'the last')
    assert.deepEqual(got, numbers(1, 3 * CAPACITY))
    assert.equal(client.stats().lost, 0)
  })

  it('F25 follow into a ring that replaces theirs, and lose nothing', async () => {
    const first = rejecting()
    const client = reliable()
    const got = []
    const lost = record(client, 'lost')
    fill(first)
    first.close()
    const second = rejecting({ maxEvents: 4 * CAPACITY })
    fill(second)
    const generations = [first, second].map((each) => each.stats().generation)
    client.on('threat', ({ id }) => got.push(id))
    await until(() => got.length >= 2 * CAPACITY, 'some of both')
    await writeUpTo(second, 8 * CAPACITY)
    await until(() => got.length === 9 * CAPACITY, 'the last')
    assert.deepEqual(got, [
      ...numbers(1, CAPACITY).map((n) => `${generations[0]}-${n}`),
      ...numbers(1, 8 * CAPACITY).map((n) => `${generations[1]}-${n}`)
    ])
    assert.deepEqual(lost, [])
    assert.equal(client.stats().reliable, true)
  })

  it('tell on both sides who they are', async () => {
    const writer = rejecting()
    assert.deepEqual(writer.stats().readers, [])
    const client = reliable()
    const other = ring.client()
    assert.deepEqual(
      [client, other].map((each) => each.stats().reliable),
      [true, false]
    )
    writer.writeThreats([threat('1'), threat('x'.repeat(600)), threat('3')])
    const reader = { cell: 0, evicted: false, alive: true }
    assert.deepEqual(writer.stats().readers, [{ ...reader, cursor: 0, lag: 5 }])
    client.poll()
    assert.deepEqual(writer.stats().readers, [{ ...reader, cursor: 5, lag: 0 }])
    const { overflow, overwritten, rejected, evicted } = writer.stats()
    assert.deepEqual(
      { overflow, overwritten, rejected, evicted },
      { overflow: 'reject', overwritten: 0, rejected: 0, evicted: 0 }
    )
    writer.close()
    assert.deepEqual(writer.stats().readers, [])
  })

  it('through the factory, with drain and writable', async () => {
    const options = {
      ...{ dir: ring.dir, maxEvents: CAPACITY, overflow: 'reject' },
      ...{ readerTimeoutMs: FOR_EVER, reliable: true },
      websocket: { port: 0 }
    }
    const shield = ring.keep(IpcFactory.createHybridTransport(options))
    await shield.ready()
    const client = ring.keep(await IpcFactory.createClient(options))
    await until(() => client.isShmActive(), 'the ring')
    assert.equal(client.stats().reliable, true)
    await within(shield.writable(), 'room')
    for (let i = 0; i < CAPACITY; i++) shield.writeThreat(threat())
    const before = shield.stats()
    assert.throws(() => shield.writeThreat(threat()), { code: 'ERR_RING_FULL' })
    assert.equal(shield.stats().sequence, before.sequence)
    assert.equal(shield.stats().transport, 'hybrid')
    const drained = record(shield, 'drain')
    const waiting = shield.writable()
    assert.deepEqual(sequences(client.poll()), numbers(1, CAPACITY))
    await within(waiting, 'room')
    await until(() => drained.length === 1, 'drain')
    assert.equal(shield.writeThreat(threat()), CAPACITY + 1)
  })

  it('their options are checked', () => {
    for (const readerTimeoutMs of [0, 9, 3_600_001, 1.5, '5']) {
      assert.throws(() => rejecting({ readerTimeoutMs }), {
        code: 'ERR_INVALID_OPTION',
        message: /readerTimeoutMs/
      })
    }
    for (const overflow of ['block', '', true]) {
      assert.throws(() => rejecting({ overflow }), {
        code: 'ERR_INVALID_OPTION',
        message: /overflow/
      })
    }
    assert.throws(() => ring.client({ reliable: 1 }), {
      code: 'ERR_INVALID_OPTION',
      message: /reliable/
    })
    const generation = '0123456789abcdef'
    for (const after of [
      ...[null, 5, 'x', {}, { sequence: 1 }, { generation }],
      { generation, sequence: -1 },
      { generation, sequence: 1.5 },
      { generation: '0123456789ABCDEF', sequence: 1 }
    ]) {
      assert.throws(() => ring.client({ after }), {
        code: 'ERR_INVALID_OPTION',
        message: /after: expected \{ generation/
      })
    }
  })
})
