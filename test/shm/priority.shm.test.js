'use strict'
// The priority lane: a flood hides nothing that matters.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { record, sleep, until, within } = require('../helpers/wait.js')

describe('priority events', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const write = (writer, count, severity = 'Low', details = 'x') => {
    for (let i = 0; i < count; i++) {
      writer.writeThreat(threat(details, { severity }))
    }
  }

  /** All that comes now, and what was lost. */
  function take(client) {
    const lost = record(client, 'lost')
    const threats = client.poll(1e6)
    const stats = client.stats()
    const missing = lost.reduce((sum, { count }) => sum + count, 0)
    assert.equal(stats.received + missing, stats.sequence)
    return { threats, lost, stats }
  }

  it('F88 20 Critical in a flood of 1,000,000, a slow client: all arrive', async () => {
    const FLOOD = 1_000_000
    const program = ring.program(
      async (ipc, { dir, flood }) => {
        const shield = new ipc.SharedMemoryIpc({ dir })
        const { existsSync } = require('node:fs')
        process.stdout.write('open')
        while (!existsSync(`${dir}/begin`)) {
          await require('node:timers/promises').setTimeout(5)
        }
        const low = {
          threatType: 1,
          severity: 'Low',
          source: 'a',
          details: 'b'
        }
        const critical = { ...low, severity: 'Critical' }
        for (let i = 0; i < flood / 100; i++) {
          const list = Array.from({ length: 100 }, () => low)
          // Twenty, none of them among the last that the ring still holds.
          if (i % (flood / 2000) === 7) list[50] = critical
          shield.writeThreats(list)
          if (i % 50 === 0) await new Promise(setImmediate)
        }
        await shield.close()
      },
      { flood: FLOOD }
    )
    await until(() => program.stdout === 'open', 'a Shield')
    const client = ring.client({ from: 1 })
    const lost = record(client, 'lost')
    const critical = []
    let received = 0
    client.on('threats', (batch) => {
      received += batch.length
      const found = batch.filter(({ severity }) => severity === 'Critical')
      critical.push(...found.map(({ sequence }) => sequence))
      // A slow one.
      const end = performance.now() + 2
      while (performance.now() < end);
    })
    fs.writeFileSync(path.join(ring.dir, 'begin'), '')
    await within(program.exited, 'the end of the flood')
    const missing = () => lost.reduce((sum, { count }) => sum + count, 0)
    await until(() => received + missing() === FLOOD, 'all of the flood')
    assert.equal(critical.length, 20)
    assert.deepEqual(
      critical,
      critical.map((_, i) => i * (FLOOD / 20) + 751)
    )
    assert(missing() > FLOOD / 2, `only ${missing()} were lost`)
    assert(lost.every(({ priority }) => priority === 0))
    assert(client.stats().rescued > 0)
  })

  it('come out of the flood in their order, between exact losses', () => {
    const writer = ring.writer({ maxEvents: 16 })
    const client = ring.client()
    const { generation } = writer.stats()
    write(writer, 9)
    write(writer, 2, 'Critical')
    write(writer, 5)
    write(writer, 1, 255)
    write(writer, 100)
    const { threats, lost, stats } = take(client)
    const same = { generation, reason: 'overwritten' }
    assert.deepEqual(lost, [
      { count: 9, from: 1, to: 9, priority: 0, ...same },
      { count: 5, from: 12, to: 16, priority: 0, ...same },
      { count: 84, from: 18, to: 101, priority: 0, ...same }
    ])
    const first = threats.slice(0, 3)
    assert.deepEqual(
      first.map(({ sequence, severity }) => [sequence, severity]),
      [
        [10, 'Critical'],
        [11, 'Critical'],
        [17, 'Unknown']
      ]
    )
    assert.equal(threats.length, 19)
    assert.equal(stats.rescued, 3)
    assert.equal(stats.priority, 3)
    assert(threats.every((each) => !('cut' in each)))
  })

  it('that are too many are lost, and counted apart', () => {
    const writer = ring.writer({ maxEvents: 16, priorityEvents: 4 })
    const client = ring.client()
    write(writer, 10, 'Critical')
    write(writer, 100)
    const { threats, lost, stats } = take(client)
    assert.deepEqual(
      lost.map(({ from, to, priority }) => [from, to, priority]),
      [
        [1, 6, 6],
        [11, 94, 0]
      ]
    )
    assert.equal(threats[0].sequence, 7)
    assert.equal(stats.rescued, 4)
  })

  for (const [prioritySeverity, rescued] of [
    ['Low', 4],
    ['High', 2],
    [3, 2],
    [undefined, 1],
    [200, 0],
    ['none', 0]
  ]) {
    it(`of ${prioritySeverity}: ${rescued} of Low to Critical`, () => {
      const writer = ring.writer({ maxEvents: 16, prioritySeverity })
      const client = ring.client()
      for (const severity of [1, 2, 3, 4]) write(writer, 1, severity)
      write(writer, 16, 0)
      assert.equal(take(client).stats.rescued, rescued)
    })
  }

  it('are kept in as many slots as asked for, and none without', () => {
    const sizes = { 0: 0, 1: 2, 2: 2, 3: 4, 256: 256, 65536: 65536 }
    for (const [priorityEvents, slots] of Object.entries(sizes)) {
      const writer = ring.writer({ priorityEvents: Number(priorityEvents) })
      assert.equal(writer.stats().priorityEvents, slots)
      writer.close()
    }
    // One that does not ask takes what is there; a new one has 256.
    const writer = ring.writer()
    assert.equal(writer.stats().priorityEvents, 65536)
    writer.close()
    assert.equal(ring.writer({ name: 'new' }).stats().priorityEvents, 256)
  })

  it('F91 that are damaged in the ring come from the lane', () => {
    const writer = ring.writer({ maxEvents: 16 })
    const client = ring.client()
    write(writer, 3)
    write(writer, 1, 'Critical', 'wanted')
    write(writer, 3)
    ring.bytes().alter(3, (slot) => {
      slot[200] ^= 1
    })
    const { threats, lost, stats } = take(client)
    assert.deepEqual(lost, [])
    assert.equal(threats.length, 7)
    assert.equal(threats[3].details, 'wanted')
    assert.deepEqual([stats.corrupt, stats.rescued], [1, 1])
  })

  it('F91 of a writer that was killed are all there, and counted on', async () => {
    const child = ring.child()
    await child.call(async (state, dir) => {
      state.shield = new state.ipc.SharedMemoryIpc({ dir, maxEvents: 16 })
      for (let i = 0; i < 5; i++) {
        state.shield.writeThreat({
          threatType: 1,
          severity: 'Critical',
          source: '',
          details: `${i}`
        })
      }
    }, ring.dir)
    const client = ring.client({ from: 1 })
    await child.kill()
    const writer = ring.writer({ maxEvents: 16 })
    write(writer, 2, 'Critical')
    write(writer, 100)
    const { threats, stats } = take(client)
    assert.deepEqual(
      threats.slice(0, 7).map(({ sequence }) => sequence),
      [1, 2, 3, 4, 5, 6, 7]
    )
    assert.deepEqual([stats.rescued, stats.priority], [7, 7])
  })

  describe('a saved position', () => {
    /** Reads 20, of which 4 are Critical, saves, and misses 115, of which 10 are. */
    function saveAndMiss(writer) {
      const client = ring.client()
      for (let i = 0; i < 4; i++) {
        write(writer, 4)
        write(writer, 1, 'Critical')
      }
      client.poll(1e6)
      const { generation, sequence, priority } = client.stats()
      client.close()
      write(writer, 5)
      write(writer, 10, 'Critical')
      write(writer, 100)
      return { generation, sequence, priority }
    }

    it('has the number that makes the next loss exact', () => {
      const options = { maxEvents: 32, priorityEvents: 2 }
      const after = saveAndMiss(ring.writer(options))
      assert.equal(after.priority, 4)
      const priorities = (position) =>
        take2(ring.client({ after: position })).map(({ priority }) => priority)
      const { generation, sequence } = after
      assert.deepEqual(priorities(after), [8, 0])
      assert.deepEqual(priorities({ generation, sequence }), [null, 0])
      const nulled = { generation, sequence, priority: null }
      assert.deepEqual(priorities(nulled), [null, 0])
    })

    it('in a generation before the present one counts by its header', () => {
      const old = ring.writer({ maxEvents: 32 })
      const before = saveAndMiss(old)
      old.close()
      write(ring.writer({ maxEvents: 64 }), 3, 'Critical')
      const [loss] = take2(ring.client({ after: before }))
      assert.equal(loss.reason, 'replaced')
      assert.deepEqual([loss.count, loss.priority], [115, 10])
    })

    it('amid a batch is that of the next threat', () => {
      const writer = ring.writer({ maxEvents: 32 })
      const client = ring.client()
      write(writer, 2, 'Critical')
      write(writer, 1)
      write(writer, 2, 'Critical')
      const seen = [0, 1, 2, 3].map(() => {
        client.poll(1)
        const { sequence, priority } = client.stats()
        return [sequence, priority]
      })
      assert.deepEqual(seen, [
        [1, 1],
        [2, 2],
        [3, 2],
        [4, 3]
      ])
    })

    it('with a wrong number is refused', () => {
      ring.writer()
      const generation = '0123456789abcdef'
      for (const priority of [-1, 1.5, 2 ** 32, '1', NaN, {}]) {
        assert.throws(
          () => ring.client({ after: { generation, sequence: 1, priority } }),
          { name: 'TypeError', code: 'ERR_INVALID_OPTION' }
        )
      }
    })

    /** The losses of a client that was not there from the first event. */
    function take2(client) {
      const lost = record(client, 'lost')
      client.poll(1e6)
      client.close()
      return lost
    }
  })

  it('before the oldest are told apart, and not filled in', () => {
    const writer = ring.writer({ maxEvents: 16 })
    write(writer, 5, 'Critical')
    write(writer, 100)
    const client = ring.client({ from: 'oldest' })
    const lost = record(client, 'lost')
    assert.equal(client.poll(1e6).length, 16)
    const [{ reason, priority, count }] = lost
    assert.deepEqual([reason, priority, count], ['before-join', 5, 89])
    assert.equal(client.stats().rescued, 0)
  })

  it('of an evicted reader: each range is evicted, and they are rescued', async () => {
    const writer = ring.writer({
      maxEvents: 16,
      overflow: 'reject',
      readerTimeoutMs: 10
    })
    const client = ring.client({ reliable: true })
    write(writer, 2)
    write(writer, 1, 'Critical')
    write(writer, 13)
    assert.throws(() => write(writer, 1), { code: 'ERR_RING_FULL' })
    await sleep(50)
    write(writer, 20)
    const { threats, lost } = take(client)
    assert.deepEqual(
      lost.map(({ from, to, reason }) => [from, to, reason]),
      [
        [1, 2, 'evicted'],
        [4, 20, 'evicted']
      ]
    )
    assert.equal(threats[0].sequence, 3)
  })

  it('that were refused are not counted', () => {
    const writer = ring.writer({ maxEvents: 16, overflow: 'reject' })
    const client = ring.client({ reliable: true })
    write(writer, 16)
    for (let i = 0; i < 3; i++) {
      assert.throws(() => write(writer, 1, 'Critical'), {
        code: 'ERR_RING_FULL'
      })
    }
    client.poll(1e6)
    write(writer, 1, 'Critical')
    client.poll(1e6)
    assert.equal(client.stats().priority, 1)
  })
})
