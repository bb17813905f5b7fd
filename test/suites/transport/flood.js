'use strict'
// A flood hides nothing that matters: priority events come out of it, whatever
// a slow reader has lost.

const assert = require('node:assert/strict')
const { threat } = require('../../helpers/ring.js')
const { collect, record, until } = require('../../helpers/wait.js')

const CAPACITY = 64

// Far more than all that waits between a Shield and a client.
const FLOOD = 20_000

/** Reads slowly in another process, up to the event `last`. */
async function readSlowly(state, { source, options, last }) {
  const opened = new Function(`return (${source})`)()
  const client = await opened(state.ipc, options)
  const account = { critical: [], losses: [], wrong: [] }
  let next = 1
  let received = 0
  client.on('lost', ({ count, from, to, priority }) => {
    if (from !== next || count !== to - from + 1) {
      account.wrong.push({ next, from, to, count })
    }
    account.losses.push([from, to, priority])
    next = to + 1
  })
  state.tell('ready')
  state.account = client.pollThreats(async ({ sequence, severity }) => {
    if (sequence !== next) account.wrong.push({ next, sequence })
    if (severity === 'Critical') account.critical.push(sequence)
    next = sequence + 1
    received++
    if (received % 100 === 0) await state.sleep(5)
    return sequence < last
  })
  state.account = state.account.then(() => {
    const { lost, rescued, priority, corrupt } = client.stats()
    const stats = { lost, rescued, priority, corrupt }
    return { ...account, received, stats: { ...stats, received } }
  })
}

function describeFlood(pair) {
  describe('a flood', () => {
    const write = (shield, count, severity = 'Low', more = {}) => {
      for (let i = 0; i < count; i++) {
        shield.writeThreat(threat('x', { severity, ...more }))
      }
    }

    /** So many events, of which each `every`th is Critical. */
    const flood = (shield, count, every) => {
      for (let i = 1; i <= count; i++) {
        write(shield, 1, i % every === 0 ? 'Critical' : 'Low')
      }
    }

    /** The Critical ones from one to another. */
    const criticalIn = (from, to, every) =>
      Math.floor(to / every) - Math.floor((from - 1) / every)

    it('F88 20 Critical in it, a slow reader elsewhere: all 20, exact', async () => {
      const made = await pair({ maxEvents: CAPACITY })
      const child = made.child()
      await child.call(readSlowly, {
        source: String(made.remote.open),
        options: made.remote.options,
        last: FLOOD
      })
      await until(() => child.messages.includes('ready'), 'a reader')
      const every = FLOOD / 20
      // The last one is behind the flood.
      flood(made.shield, FLOOD - 1, every)
      write(made.shield, 1, 'Critical')
      const { critical, losses, wrong, received, stats } = await child.call(
        (state) => state.account
      )
      assert.deepEqual(wrong, [])
      assert.deepEqual(
        critical,
        Array.from({ length: 20 }, (_, i) => (i + 1) * every)
      )
      assert.equal(stats.received + stats.lost, FLOOD)
      assert.equal(stats.received, received)
      assert(stats.lost > FLOOD / 2, `only ${stats.lost} were lost`)
      assert(losses.every(([, , priority]) => priority === 0))
      assert(stats.rescued > 0)
      assert.deepEqual([stats.priority, stats.corrupt], [20, 0])
    })

    it('F88 more Critical than are kept: the rest is counted', async () => {
      const { shield, open } = await pair({
        maxEvents: CAPACITY,
        priorityEvents: 8
      })
      const client = await open()
      const losses = record(client, 'lost')
      const critical = []
      client.on('threat', ({ sequence, severity }) => {
        if (severity === 'Critical') critical.push(sequence)
      })
      flood(shield, FLOOD, 100)
      await until(() => client.stats().sequence === FLOOD, 'the last')
      let missed = 0
      for (const { from, to, priority } of losses) {
        const held = critical.filter((at) => at >= from && at <= to)
        assert.deepEqual(held, [])
        assert.equal(priority, criticalIn(from, to, 100), `${from} to ${to}`)
        missed += priority
      }
      assert.equal(critical.length + missed, FLOOD / 100)
      assert(missed > 0 && critical.includes(FLOOD - 700))
      const { received, lost, rescued, priority } = client.stats()
      assert.equal(received + lost, FLOOD)
      // One of the eight still stood.
      assert.equal(rescued, 8 - criticalIn(FLOOD - CAPACITY + 1, FLOOD, 100))
      assert.equal(priority, FLOOD / 100)
    })

    for (const [prioritySeverity, wanted] of [
      ['High', ['High', 'Critical']],
      [1, ['Low', 'High', 'Critical']],
      ['none', []]
    ]) {
      it(`F88 prioritySeverity ${prioritySeverity}: [${wanted}] of it`, async () => {
        const { shield, open, arrived } = await pair({
          maxEvents: CAPACITY,
          prioritySeverity
        })
        for (const severity of ['Low', 'High', 'Critical']) {
          write(shield, 1, severity)
        }
        write(shield, CAPACITY, 0)
        const client = await open({ from: 1 })
        await arrived(client)
        const lost = record(client, 'lost')
        const first = await collect(client, wanted.length + 1)
        assert.deepEqual(
          first.slice(0, -1).map(({ severity }) => severity),
          wanted
        )
        assert.equal(client.stats().rescued, wanted.length)
        assert(lost.every(({ priority }) => priority === 0))
      })
    }

    it('F88 one of many slots comes cut, one of few whole', async () => {
      const long = 'é'.repeat(500)
      const more = { details: long, id: 'own', context: { a: 1 } }
      for (const [priorityEvents, isCut] of [
        [8, true],
        [64, false]
      ]) {
        const { shield, open } = await pair({
          maxEvents: CAPACITY,
          priorityEvents
        })
        write(shield, 1, 'Critical', more)
        write(shield, CAPACITY)
        const client = await open({ from: 1 })
        const [first] = await collect(client, 1)
        assert.equal(first.sequence, 1)
        assert.equal(first.severity, 'Critical')
        assert.equal(first.cut, isCut ? true : undefined)
        assert.equal(first.details, isCut ? 'é'.repeat(128) : long)
        const { generation } = shield.stats()
        assert.equal(first.id, isCut ? `${generation}-1` : 'own')
        assert.deepEqual(first.context, isCut ? undefined : { a: 1 })
      }
    })

    it('F88 behind a saved position, its counter makes the loss exact', async () => {
      const { shield, open } = await pair({
        maxEvents: CAPACITY,
        priorityEvents: 2
      })
      const window = await open()
      write(shield, 3, 'Critical')
      write(shield, 5)
      await collect(window, 6)
      const { generation, sequence, priority } = window.stats()
      assert.deepEqual([sequence, priority], [6, 3])
      await window.close()
      write(shield, 10, 'Critical')
      write(shield, 2 * CAPACITY)
      for (const [counter, expected] of [
        [priority, 8],
        [null, null]
      ]) {
        const after = { generation, sequence, priority: counter }
        const client = await open({ after })
        const lost = record(client, 'lost')
        const seen = await collect(client, 2 + CAPACITY)
        assert.deepEqual(
          lost.map(({ from, to, priority: of }) => [from, to, of]),
          [
            [7, 16, expected],
            [19, 18 + CAPACITY, 0]
          ]
        )
        assert.deepEqual([seen[0].sequence, seen[1].sequence], [17, 18])
        assert.deepEqual(
          [client.stats().rescued, client.stats().priority],
          [2, 13]
        )
      }
    })
  })
}

module.exports = { describeFlood }
