'use strict'
// A stream's summary: when it is told, and how it ends. What is in it stands in
// digest.test.js.

const assert = require('node:assert/strict')
const { useClock } = require('../helpers/clock.js')
const { openList, turns } = require('../helpers/list-source.js')
const { record, turn, within } = require('../helpers/wait.js')
const { useUncaught } = require('../helpers/uncaught.js')

/** A list of threats that go into a digest. */
function openThreats() {
  const opened = openList(0)
  const { source, host } = opened
  const { take } = source
  source.take = (max, threats) => {
    const more = take(max, threats)
    for (const threat of threats) {
      Object.assign(threat, {
        ...{ id: `${threat.sequence}`, severity: 'Low', blocked: false },
        ...{ threatType: 'Unknown', source: '', details: '' }
      })
    }
    return more
  }
  const publish = (count) => {
    source.count += count
    host.wake()
  }
  return { ...opened, publish }
}

const totals = (updates) => updates.map(({ counts }) => counts.total)

describe('a watch', () => {
  const clock = useClock()
  const uncaught = useUncaught()

  describe('tells', () => {
    let opened
    let watch
    let updates

    beforeEach(async () => {
      opened = openThreats()
      clock.begin()
      watch = opened.stream.watch()
      updates = record(watch, 'update')
    })

    /** Behind the update of the start. */
    async function begun() {
      clock.advance(1)
      await turns()
      updates.length = 0
    }

    it('how things are at once, from a turn of its own', async () => {
      assert.deepEqual(updates, [])
      clock.advance(1)
      assert.deepEqual(totals(updates), [0])
      assert.equal(updates[0].state, opened.stream.state)
    })

    it('what comes after a while, at once', async () => {
      await begun()
      clock.advance(1000)
      assert.deepEqual(updates, [], 'nothing came')
      opened.publish(3)
      assert.deepEqual(totals(updates), [3])
      assert.equal(updates[0].added, 3)
    })

    it('what comes soon after, when 100 ms are over: once', async () => {
      await begun()
      opened.publish(1)
      opened.publish(2)
      clock.advance(98)
      assert.deepEqual(updates, [])
      clock.advance(2)
      assert.deepEqual(totals(updates), [3])
      opened.publish(4)
      clock.advance(99)
      assert.deepEqual(totals(updates), [3])
      clock.advance(1)
      assert.deepEqual(totals(updates), [3, 7])
      assert.equal(updates[1].added, 4)
      clock.advance(1000)
      assert.equal(updates.length, 2)
    })

    it('what is lost, and that the state is another one', async () => {
      await begun()
      clock.advance(1000)
      opened.host.lost({ count: 4, priority: 1, reason: 'overwritten' })
      clock.advance(1)
      assert.deepEqual(updates.at(-1).lost, {
        ...{ count: 4, priority: 1, unknown: 0 }
      })
      opened.source.state = 'gone'
      opened.host.checked()
      await turns()
      clock.advance(100)
      assert.equal(updates.at(-1).state.writer, 'gone')
      assert.equal(updates.length, 2)
    })

    it('nothing once it is disposed of', async () => {
      await begun()
      clock.advance(1000)
      opened.publish(1)
      opened.publish(1)
      watch.dispose()
      watch.dispose()
      opened.host.lost({ count: 4, priority: 1, reason: 'overwritten' })
      clock.advance(1000)
      assert.deepEqual(totals(updates), [1])
      opened.publish(1)
      assert.equal(watch.snapshot().counts.total, 2, 'it takes none')
    })

    it('nothing once its stream is closed', async () => {
      await begun()
      clock.advance(1000)
      opened.publish(1)
      opened.publish(1)
      await opened.stream.close()
      clock.advance(1000)
      assert.deepEqual(totals(updates), [1])
      assert.equal(watch.snapshot().state.transport, 'closed')
    })

    it('others, when one listener throws', async () => {
      await begun()
      clock.advance(1000)
      const wrong = new Error('of a listener')
      watch.prependListener('update', () => {
        throw wrong
      })
      const other = opened.stream.watch()
      const seen = record(other, 'update')
      opened.publish(1)
      await turn()
      assert.deepEqual(uncaught.splice(0), [wrong])
      assert.deepEqual(totals(seen), [1])
    })
  })

  it('takes the interval that it is told', async () => {
    const { publish, stream } = openThreats()
    clock.begin()
    const updates = record(stream.watch({ everyMs: 10 }), 'update')
    clock.advance(1)
    await turns()
    publish(1)
    clock.advance(9)
    assert.deepEqual(totals(updates), [0])
    clock.advance(1)
    assert.deepEqual(totals(updates), [0, 1])
  })

  it('keeps what it is told to', async () => {
    const { publish, stream } = openThreats()
    const few = stream.watch({ keep: 2 })
    const none = stream.watch({ minSeverity: 'Medium' })
    publish(5)
    await turns()
    assert.deepEqual(
      few.snapshot().threats.map(({ sequence }) => sequence),
      [4, 5]
    )
    assert.deepEqual(none.snapshot().threats, [])
    assert.equal(none.snapshot().counts.total, 5)
  })

  it('gives a copy at any time', async () => {
    const { publish, stream } = openThreats()
    const watch = stream.watch()
    publish(3)
    await turns()
    const { counts, threats } = watch.snapshot()
    assert.equal(counts.total, 3)
    threats.length = 0
    assert.equal(watch.snapshot().threats.length, 3)
  })

  describe('as a loop', () => {
    it('gives the first at once, then one for what came since', async () => {
      const { publish, source, stream } = openThreats()
      const loop = stream.watch({ everyMs: 10 })[Symbol.asyncIterator]()
      assert.equal((await loop.next()).value.counts.total, 0)
      const next = loop.next()
      await turns()
      assert.equal(source.isHeld, true, 'it waits')
      publish(2)
      const { value } = await within(next, 'an update')
      assert.deepEqual([value.counts.total, value.added], [2, 2])
      await turns()
      assert.equal(source.isHeld, false, 'it does not')
    })

    it('leaves out what nobody waited for, and counts it', async () => {
      const { publish, stream } = openThreats()
      const watch = stream.watch({ everyMs: 10 })
      const updates = record(watch, 'update')
      const loop = watch[Symbol.asyncIterator]()
      await loop.next()
      for (const total of [1, 2, 3]) {
        publish(1)
        while (totals(updates).at(-1) !== total) await turn()
      }
      const { value } = await loop.next()
      assert.deepEqual([value.counts.total, value.added], [3, 3])
    })

    it('ends with the watch, and with its stream', async () => {
      for (const end of ['watch', 'stream']) {
        const { stream } = openThreats()
        const watch = stream.watch()
        const loop = watch[Symbol.asyncIterator]()
        await loop.next()
        const next = loop.next()
        await turns()
        if (end === 'watch') watch.dispose()
        else await stream.close()
        assert.deepEqual(await within(next, end), {
          ...{ value: undefined, done: true }
        })
        const { done } = await watch[Symbol.asyncIterator]().next()
        assert.equal(done, true)
      }
    })

    it('fails with its stream', async () => {
      const { host, stream } = openThreats()
      const loop = stream.watch()[Symbol.asyncIterator]()
      await loop.next()
      const next = loop.next()
      await turns()
      const wrong = new Error('the source is broken')
      host.failed(wrong)
      await assert.rejects(within(next, 'the end'), wrong)
    })

    it('fails although it did not wait when its stream did', async () => {
      const { host, stream } = openThreats()
      const loop = stream.watch()[Symbol.asyncIterator]()
      await loop.next()
      const wrong = new Error('the source is broken')
      host.failed(wrong)
      await assert.rejects(within(loop.next(), 'the end'), wrong)
    })
  })

  it('is refused by a stream that is closed', async () => {
    const { stream } = openThreats()
    await stream.close()
    assert.throws(() => stream.watch(), { code: 'ERR_CLOSED' })
  })

  for (const [options, name] of [
    [{ everyMs: 9 }, 'RangeError'],
    [{ everyMs: 60_001 }, 'RangeError'],
    [{ everyMs: '100' }, 'TypeError'],
    [{ keep: -1 }, 'RangeError'],
    [{ keep: 10_001 }, 'RangeError'],
    [{ keep: 1.5 }, 'RangeError'],
    [{ minSeverity: 'Severe' }, 'RangeError'],
    [{ minSeverity: 'none' }, 'RangeError'],
    [{ minSeverity: 256 }, 'RangeError'],
    [{ evryMs: 100 }, 'TypeError'],
    [7, 'TypeError']
  ]) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      const { stream } = openThreats()
      assert.throws(() => stream.watch(options), {
        name,
        code: 'ERR_INVALID_OPTION'
      })
    })
  }

  for (const options of [
    { everyMs: 10, keep: 0, minSeverity: 255 },
    { everyMs: 60_000, keep: 10_000, minSeverity: 'Low' }
  ]) {
    it(`takes ${JSON.stringify(options)}`, () => {
      const { stream } = openThreats()
      stream.watch(options).dispose()
    })
  }
})
