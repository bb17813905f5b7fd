'use strict'
// received + lost = published, to the unit, for every reader.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, until, within } = require('../../helpers/wait.js')

/** Reads at some pace in another process until the last event. */
async function readAtPace(state, { source, options, pauseEvery, pauseMs }) {
  const opened = new Function(`return (${source})`)()
  const there = await opened(state.ipc, { ...options, from: 'oldest' })
  const account = { received: 0, lost: 0, wrong: [], gaps: 0 }
  let next = 1
  there.on('lost', ({ count, from, to, reason }) => {
    if (from !== next || to - from + 1 !== count || reason !== 'overwritten') {
      account.wrong.push({ count, from, to, reason, next })
    }
    account.lost += count
    account.gaps++
    next = to + 1
  })
  state.tell('ready')
  state.account = there.pollThreats(async ({ sequence, details }) => {
    if (sequence !== next || !details.startsWith(`${sequence} `)) {
      account.wrong.push({ sequence, next, details })
    }
    next = sequence + 1
    account.received++
    if (pauseEvery > 0 && account.received % pauseEvery === 0) {
      await state.sleep(pauseMs)
    }
    return !details.endsWith('last')
  })
  state.account = state.account.then(() => {
    const { received, lost, corrupt, sequence } = there.stats()
    return { ...account, stats: { received, lost, corrupt, sequence } }
  })
}

function describeAccount(pair) {
  describe('account', () => {
    it('50,000 events: every one, once, in order', async () => {
      const { shield, open } = await pair({ maxEvents: 8192 })
      const client = await open()
      const COUNT = 50_000
      let written = 0
      let next = 1
      const write = () => {
        for (let i = 0; i < 500 && written < COUNT; i++) {
          // Every seventh takes several slots.
          const more = written % 7 === 0 ? { context: 'x'.repeat(500) } : {}
          shield.writeThreat(threat(`${++written}`, more))
        }
      }
      write()
      await within(
        client.pollThreats(({ sequence, details }) => {
          assert.equal(sequence, next)
          assert.equal(details, String(sequence))
          if (sequence === written) write()
          return next++ < COUNT
        }),
        'the last'
      )
      const { received, lost, corrupt, published, sequence } = client.stats()
      assert.deepEqual(
        { received, lost, corrupt, published, sequence },
        {
          received: COUNT,
          lost: 0,
          corrupt: 0,
          published: COUNT,
          sequence: COUNT
        }
      )
    })

    it('F2 F3 F5 readers of every speed in other processes', async () => {
      const made = await pair({ maxEvents: 256 })
      const paces = [
        [0, 0],
        [1000, 1],
        [100, 5],
        [100, 20]
      ]
      const children = await Promise.all(
        paces.map(async ([pauseEvery, pauseMs]) => {
          const child = made.child()
          await child.call(readAtPace, {
            source: String(made.remote.open),
            options: made.remote.options,
            pauseEvery,
            pauseMs
          })
          await until(() => child.messages.includes('ready'), 'a reader')
          return child
        })
      )
      const COUNT = 30_000
      for (let i = 1; i < COUNT; i++) {
        const context = i % 5 === 0 ? 'x'.repeat(i % 3000) : undefined
        made.shield.writeThreat(threat(`${i} of many`, { context }))
        // The last part goes in one go, which the slowest cannot follow even
        // when this process gets little of the CPU.
        if (i % 200 === 0 && i < COUNT * (2 / 3)) {
          await new Promise(setImmediate)
        }
      }
      made.shield.writeThreat(threat(`${COUNT} last`))
      const accounts = await Promise.all(
        children.map((child) => child.call((state) => state.account))
      )
      for (const { received, lost, wrong, stats } of accounts) {
        assert.deepEqual(wrong, [])
        assert.equal(received + lost, COUNT)
        assert.deepEqual(stats, {
          received,
          lost,
          corrupt: 0,
          sequence: COUNT
        })
      }
      // The slowest did lose, or nothing was tested.
      assert(accounts.at(-1).gaps > 0)
    })

    it('F49 memory does not grow with what is not read', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      client.on('threat', () => {})
      const before = process.memoryUsage().arrayBuffers
      // The loop is blocked all the while.
      for (let i = 0; i < 100_000; i++) shield.writeThreat(threat('x'))
      await until(() => client.stats().sequence === 100_000, 'the last')
      const { received, lost } = client.stats()
      assert.equal(received + lost, 100_000)
      assert(process.memoryUsage().arrayBuffers - before < 10_000_000)
    })

    it('writeThreats is all or nothing', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      const before = shield.stats()
      assert.throws(
        () => shield.writeThreats([threat(), threat(), { ...threat(), id: 1 }]),
        { code: 'ERR_INVALID_THREAT', message: /threats\[2\].*id/ }
      )
      assert.deepEqual(shield.stats(), before)
      assert.deepEqual(client.poll(), [])
      assert.equal(shield.writeThreats([]), 0)
      assert.equal(shield.writeThreats([threat('a'), threat('b')]), 2)
      assert.equal(shield.writeThreats(new Set([threat('c')])), 3)
      assert.equal(shield.writeThreats([]), 3)
      const threats = await collect(client, 3)
      assert.deepEqual(
        threats.map(({ details }) => details),
        ['a', 'b', 'c']
      )
    })

    it('ERR_BATCH_TOO_LARGE leaves stats and readers alone', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      const list = (count) => Array.from({ length: count }, () => threat())
      assert.equal(shield.writeThreats(list(16)), 16)
      const before = shield.stats()
      assert.throws(() => shield.writeThreats(list(17)), {
        name: 'IpcError',
        code: 'ERR_BATCH_TOO_LARGE'
      })
      assert.deepEqual(shield.stats(), before)
      assert.equal((await collect(client, 16)).at(-1).sequence, 16)
      assert.deepEqual(client.poll(), [])
      assert.equal(shield.writeThreat(threat()), 17)
      assert.equal((await collect(client, 1))[0].sequence, 17)
    })

    it('ERR_EVENT_TOO_LARGE leaves stats and readers alone', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      const before = shield.stats()
      // 16 slots: a lead and 15 of 340 bytes, the first of them a header.
      const most = 15 * 340 - 8
      const long = (length) => threat('d', { id: 'i'.repeat(length) })
      for (const length of [most + 1, 2 ** 20]) {
        for (const write of [
          () => shield.writeThreat(long(length)),
          () => shield.writeThreats([threat(), long(length)])
        ]) {
          assert.throws(write, {
            name: 'IpcError',
            code: 'ERR_EVENT_TOO_LARGE'
          })
        }
      }
      assert.deepEqual(shield.stats(), before)
      assert.deepEqual(client.poll(), [])
      shield.writeThreat(long(most))
      const [one] = await collect(client, 1)
      assert.equal(one.id.length, most)
      assert.equal(one.sequence, 1)
    })

    it('stats() of both ends agree', async () => {
      const { shield, open } = await pair({ maxEvents: 64 })
      const client = await open()
      shield.writeThreats([threat('a'), threat('b', { context: 'c' })])
      await collect(client, 2)
      const written = shield.stats()
      const read = client.stats()
      assert.match(written.generation, /^[0-9a-f]{16}$/)
      assert.equal(read.generation, written.generation)
      assert.deepEqual(
        [written.published, written.sequence, written.error],
        [2, 2, null]
      )
      assert.deepEqual(
        [read.received, read.lost, read.corrupt, read.published, read.sequence],
        [2, 0, 0, 2, 2]
      )
      assert.equal(read.writer, 'live')
      assert.equal(read.error, null)
      const { count, min, mean, p50, p90, p99, max } = read.latency
      assert.equal(count, 2)
      // What lies between is rounded by the histogram; the ends are in Bun not.
      const most = max * 1.01
      assert(min > 0 && min <= mean * 1.01 && mean <= most)
      assert(min <= p50 * 1.01 && p50 <= p90 && p90 <= p99 && p99 <= most)
    })

    it('stats() count what was delivered, not what was read ahead', async () => {
      const { shield, open, arrived } = await pair({ maxEvents: 64 })
      const client = await open()
      const account = () => {
        const { received, sequence, published } = client.stats()
        return { received, sequence, published }
      }
      shield.writeThreats(Array.from({ length: 10 }, () => threat()))
      await arrived(client)
      assert.equal(client.poll(2).length, 2)
      assert.deepEqual(account(), { received: 2, sequence: 2, published: 10 })
      let release
      let seen = 2
      const polled = client.pollThreats(async () => {
        if (++seen === 5) {
          await new Promise((resolve) => {
            release = resolve
          })
        }
        return seen < 10
      })
      await until(() => release !== undefined, 'the callback that waits')
      assert.deepEqual(account(), { received: 5, sequence: 5, published: 10 })
      release()
      await within(polled, 'the rest')
      assert.deepEqual(account(), { received: 10, sequence: 10, published: 10 })
      shield.writeThreat(threat())
      await arrived(client)
      assert.deepEqual(account(), { received: 10, sequence: 10, published: 11 })
      await client.close()
      assert.equal(client.stats().sequence, 10)
    })

    it('latency is null before the first event', async () => {
      const { open } = await pair({ maxEvents: 64 })
      const { latency } = (await open()).stats()
      assert.deepEqual(latency, {
        count: 0,
        min: null,
        mean: null,
        p50: null,
        p90: null,
        p99: null,
        max: null
      })
    })
  })
}

module.exports = { describeAccount }
