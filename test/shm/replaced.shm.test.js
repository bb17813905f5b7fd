'use strict'
// A ring that lost its place, for its writer and its readers, and the one that
// takes it.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { native } = require('../../lib/shm/addon.js')
const { spy, useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, record, sleep, until, within } = require('../helpers/wait.js')

const details = (threats) => threats.map((one) => one.details)

describe('replaced', () => {
  const made = useNative()
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  /**
   * Runs `action`, once, when the one client that there is has read everything
   * and is about to open the next ring.
   */
  function beforeFollowing(action) {
    const { Reader } = native
    native.Reader = function OpenedLater(options) {
      native.Reader = Reader
      action()
      return new Reader(options)
    }
  }

  /** The writer notices that its ring has no name any more. */
  function makeAnew(writer) {
    const { generation } = writer.stats()
    fs.unlinkSync(ring.file)
    assert.equal(writer.isHealthy(), true)
    assert.notEqual(writer.stats().generation, generation)
  }

  describe('the last events of the old ring', () => {
    let writer
    let client
    let lost
    let done

    beforeEach(() => {
      writer = ring.writer({ maxEvents: 64 })
      client = ring.client()
      lost = []
      writer.writeThreats([threat('1'), threat('2'), threat('3')])
      fs.unlinkSync(ring.file)
      done = false
      beforeFollowing(() => {
        writer.writeThreats([threat('4'), threat('5')])
        assert.equal(writer.isHealthy(), true)
        writer.writeThreat(threat('new'))
        done = true
      })
    })

    function assertAccount() {
      assert.equal(done, true)
      assert.deepEqual(lost, [])
      const { received, generation, error } = client.stats()
      assert.deepEqual(
        [received, client.stats().lost, generation, error],
        [6, 0, writer.stats().generation, null]
      )
    }

    const all = ['1', '2', '3', '4', '5', 'new']

    it('poll', async () => {
      // Without a listener of 'lost': that one's poll thread would look into
      // the next ring before everything was read.
      const polled = []
      await until(() => {
        polled.push(...client.poll())
        return polled.length >= 6
      }, 'all of them')
      assert.deepEqual(details(polled), all)
      assertAccount()
    })

    it('pollThreats', async () => {
      const collected = collect(client, 6)
      lost = record(client, 'lost')
      assert.deepEqual(details(await collected), all)
      assertAccount()
    })

    it("on('threat')", async () => {
      const seen = record(client, 'threat')
      lost = record(client, 'lost')
      await until(() => seen.length >= 6, 'all of them')
      assert.deepEqual(details(seen), all)
      assertAccount()
    })
  })

  for (const from of [2, 4, 5, 100]) {
    it(`from: ${from}, 3 published, made anew: exact`, async () => {
      const writer = ring.writer({ maxEvents: 64 })
      const client = ring.client({ from })
      const lost = record(client, 'lost')
      for (let i = 1; i <= 3; i++) writer.writeThreat(threat(`${i}`))
      makeAnew(writer)
      writer.writeThreats([threat('a'), threat('b')])
      const wanted = ['1', '2', '3'].slice(from - 1)
      const polled = []
      await until(() => {
        polled.push(...client.poll())
        return polled.length >= wanted.length + 2
      }, 'the new ring')
      assert.deepEqual(details(polled), [...wanted, 'a', 'b'])
      assert.deepEqual(lost, [])
      assert.equal(client.stats().lost, 0)
    })
  }

  it('on(writer): nothing any more behind close()', async () => {
    const writer = ring.writer()
    const client = ring.client()
    const states = record(client, 'writer')
    await writer.close()
    assert.equal(client.stats().writer, 'gone')
    await client.close()
    await sleep(5)
    assert.deepEqual(states, [])
  })

  it('on(writer) alone: live again', async () => {
    const writer = ring.writer({ maxEvents: 16 })
    const client = ring.client()
    const states = record(client, 'writer')
    let looks = 0
    // What the poll thread saw. stats() and isHealthy() look at the file itself.
    spy(made.readers[0], 'state', (fresh) => {
      if (!fresh) looks++
    })
    makeAnew(writer)
    await until(
      () => client.isHealthy() && client.stats().writer === 'live',
      'the new ring’s writer'
    )
    looks = 0
    // And so it stays, for the poll thread as well.
    await until(() => looks >= 3, 'looks of the poll thread')
    assert.equal(client.stats().writer, 'live')
    assert.equal(states.at(-1) ?? 'live', 'live')
    await writer.close()
    await until(() => states.at(-1) === 'gone', 'it went')
    assert.equal(client.isHealthy(), false)
    ring.writer({ maxEvents: 16 })
    await until(() => states.at(-1) === 'live', 'the next one')
    assert.equal(client.isHealthy(), true)
  })

  const idle = {
    'an iterator that does not ask': (client) => client[Symbol.asyncIterator](),
    'a promise that is awaited': (client) => {
      client.pollThreats(() => new Promise(() => {}))
    }
  }
  for (const [name, consume] of Object.entries(idle)) {
    it(`on(writer) beside ${name}: of the ring of now`, async () => {
      const writer = ring.writer({ maxEvents: 16 })
      const client = ring.client()
      const states = record(client, 'writer')
      consume(client)
      writer.writeThreat(threat())
      await sleep(20)
      await writer.close()
      await until(() => states.at(-1) === 'gone', 'it went')
      const next = ring.writer({ maxEvents: 32 })
      assert.notEqual(next.stats().generation, client.stats().generation)
      await until(() => states.at(-1) === 'live', 'the next one')
      assert.equal(client.isHealthy(), true)
      assert.deepEqual(states, ['gone', 'live'])
    })
  }

  it('a link in its place: refused with that reason, until it goes', async () => {
    const writer = ring.writer({ maxEvents: 16 })
    const target = path.join(ring.dir, 'target')
    const errors = record(writer, 'error')
    writer.writeThreat(threat('before'))
    const client = ring.client({ from: 1 })
    const { error: none, ...before } = writer.stats()
    assert.equal(none, null)
    fs.unlinkSync(ring.file)
    fs.symlinkSync(target, ring.file)
    for (let i = 0; i < 2; i++) {
      assert.equal(writer.isHealthy(), false)
      const { error, ...stats } = writer.stats()
      assert.equal(error.code, 'ERR_UNSAFE_PATH')
      assert(error.message.includes(ring.file), error.message)
      assert.deepEqual(stats, before)
      const refused = { name: 'IpcError', code: 'ERR_UNSAFE_PATH' }
      assert.throws(() => writer.writeThreat(threat()), refused)
      assert.throws(() => writer.writeThreats([threat()]), refused)
    }
    assert(errors.length >= 2)
    assert(errors.every(({ code }) => code === 'ERR_UNSAFE_PATH'))
    assert.equal(fs.existsSync(target), false)
    assert(fs.lstatSync(ring.file).isSymbolicLink())

    fs.unlinkSync(ring.file)
    assert.equal(writer.isHealthy(), true)
    assert.equal(writer.stats().error, null)
    assert.equal(writer.writeThreat(threat('after')), 1)
    assert.equal(writer.writeThreats([threat('more')]), 2)
    assert.deepEqual(details(await collect(client, 3)), [
      'before',
      'after',
      'more'
    ])
    assert.equal(client.stats().lost, 0)
  })

  it("closed inside 'lost', with no ring to go over to: no error", async () => {
    const bytes = ring.forge({ capacity: 16 })
    const client = ring.client({ from: 1 })
    const errors = record(client, 'error')
    const lost = record(client, 'lost')
    client.on('lost', () => client.close())
    const position = bytes.publish({ details: 'damaged' })
    bytes.alter(position, (slot) => slot.fill(0xff))
    fs.unlinkSync(ring.file)
    await until(
      () => made.readers[0].state(false) >= 256,
      'the poll thread’s look at the file'
    )
    assert.deepEqual(client.poll(), [])
    assert.deepEqual(
      lost.map(({ count, reason }) => [count, reason]),
      [[1, 'corrupt']]
    )
    assert.equal(client.closed, true)
    await within(client.close(), 'close')
    assert.deepEqual(errors, [])
    assert.equal(client.stats().error, null)
  })

  describe('by the next writer', () => {
    let generation

    beforeEach(async () => {
      const writer = ring.writer({ maxEvents: 64 })
      generation = writer.stats().generation
      for (let i = 1; i <= 3; i++) writer.writeThreat(threat(`${i}`))
      await writer.close()
    })

    it('no maxEvents: never, the ring goes on', async () => {
      const writer = ring.writer()
      const { capacity, checksums, fileBytes, ...stats } = writer.stats()
      assert.deepEqual([capacity, checksums], [64, true])
      assert.equal(fileBytes, fs.statSync(ring.ringFile).size)
      assert.deepEqual([stats.generation, stats.sequence], [generation, 3])
      assert.equal(writer.writeThreat(threat('4')), 4)
      const client = ring.client({ from: 1 })
      assert.deepEqual(details(client.poll()), ['1', '2', '3', '4'])
      // A batch of it is measured by what is there.
      const list = (count) => Array.from({ length: count }, () => threat())
      assert.throws(() => writer.writeThreats(list(17)), {
        code: 'ERR_BATCH_TOO_LARGE'
      })
      assert.equal(writer.writeThreats(list(16)), 20)
    })

    const others = {
      'more maxEvents': [{ maxEvents: 65 }, 128, true],
      'fewer maxEvents': [{ maxEvents: 16 }, 16, true],
      'no checksums': [{ enableChecksums: false }, 1024, false],
      'no checksums, same size': [
        { enableChecksums: false, maxEvents: 64 },
        64,
        false
      ]
    }
    for (const [name, [options, capacity, checksums]] of Object.entries(
      others
    )) {
      it(`${name}: a new ring, and readers follow`, async () => {
        const client = ring.client({ from: 1 })
        const lost = record(client, 'lost')
        const writer = ring.writer(options)
        const stats = writer.stats()
        assert.notEqual(stats.generation, generation)
        assert.deepEqual(
          [stats.capacity, stats.checksums, stats.sequence],
          [capacity, checksums, 0]
        )
        assert.equal(writer.writeThreat(threat('new')), 1)
        const seen = await within(collect(client, 4), 'four')
        assert.deepEqual(details(seen), ['1', '2', '3', 'new'])
        await sleep(0)
        assert.deepEqual(lost, [])
        assert.equal(client.stats().checksums, checksums)
      })
    }
  })
})
