'use strict'
// A stream whose source is a list and never wakes it: what goes on here goes
// on by what the consumers do.

const assert = require('node:assert/strict')
const { openList, turns } = require('../helpers/list-source.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { record, within } = require('../helpers/wait.js')

describe('a stream that nothing wakes', () => {
  it('takes nothing for an iterator that does not ask', async () => {
    const { source, stream } = openList(25)
    const iterator = stream[Symbol.asyncIterator]()
    await turns()
    assert.equal(source.taken, 0)
    assert.equal(source.isHeld, true)
    assert.equal((await iterator.next()).value.sequence, 1)
    await turns()
    assert.equal(source.taken, 10)
    await iterator.return()
    assert.equal(source.isHeld, false)
  })

  it('tells what was wrong before it, once, unless it was closed', async () => {
    const early = new Error('no position')
    const { stream } = openList(0, false, early)
    const errors = record(stream, 'error')
    assert.deepEqual(errors, [])
    await turns()
    assert.deepEqual(errors, [early])
    const { stream: closed } = openList(0, false, early)
    closed.on('error', () => assert.fail('it was closed'))
    await closed.close()
    await turns()
    // Nobody is told of nothing.
    const { stream: sound } = openList(0)
    sound.on('error', () => assert.fail('nothing is wrong'))
    await turns()
  })

  it('stands where it delivered, wherever its source went since', async () => {
    const { source, stream } = openList(25)
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    source.generation = 'second'
    const { generation, sequence, priority, received } = stream.stats()
    assert.deepEqual([generation, sequence, received], ['first', 1, 1])
    assert.equal(priority, 101)
    for (let i = 2; i <= 11; i++) await iterator.next()
    assert.equal(stream.stats().generation, 'second')
  })

  it('gives each event to all, where the first takes lists', async () => {
    const { stream } = openList(25)
    const lists = record(stream, 'threats')
    const seen = record(stream, 'threat')
    await turns()
    assert.deepEqual(sequences(seen), numbers(1, 25))
    assert.deepEqual(sequences(lists.flat()), numbers(1, 25))
    assert.equal(stream.stats().received, 25)
  })

  it('goes on when one leaves whose promise it awaited', async () => {
    const { stream } = openList(25)
    const controller = new AbortController()
    const { signal } = controller
    const seen = record(stream, 'threat')
    const polled = stream.pollThreats(() => new Promise(() => {}), { signal })
    await turns()
    assert.deepEqual(sequences(seen), [1])
    controller.abort()
    await within(polled, 'the end of pollThreats')
    await turns()
    assert.deepEqual(sequences(seen), numbers(1, 25))
  })

  it('goes on when an iterator leaves that lagged too far', async () => {
    const { stream } = openList(1000)
    const iterator = stream[Symbol.asyncIterator]()
    const seen = record(stream, 'threat')
    await turns()
    assert.deepEqual(sequences(seen), numbers(1, 256))
    await iterator.return()
    await turns()
    assert.deepEqual(sequences(seen), numbers(1, 1000))
  })

  it('asked in the middle of a poll(): answers behind it', async () => {
    const { source, stream } = openList(0)
    const iterator = stream[Symbol.asyncIterator]()
    const asked = []
    const seen = record(stream, 'threat')
    stream.on('threat', ({ sequence }) => {
      if (sequence <= 3) asked.push(iterator.next(), iterator.next())
    })
    await turns()
    source.count = 25
    assert.deepEqual(sequences(stream.poll(3)), [1, 2, 3])
    assert.deepEqual(sequences(seen), [1, 2, 3])
    const answers = await within(Promise.all(asked), 'six answers')
    assert.deepEqual(
      answers.map(({ value }) => value.sequence),
      numbers(1, 6)
    )
  })

  it('that failed: tells it once to each who waits, and goes on', async () => {
    const { stream, host } = openList(2)
    const wrong = new Error('the source is broken')
    const iterator = stream[Symbol.asyncIterator]()
    const seen = record(stream, 'threat')
    const waiting = [1, 2, 3, 4].map(() => iterator.next())
    await turns()
    const polled = stream.pollThreats(() => true)
    host.failed(wrong)
    await assert.rejects(waiting[2], wrong)
    await assert.rejects(polled, wrong)
    const end = { value: undefined, done: true }
    assert.deepEqual([await waiting[3], await iterator.next()], [end, end])
    assert.equal(stream.stats().error, wrong)
    assert.equal(stream.listenerCount('threat'), 1)
    assert.deepEqual(sequences(seen), [1, 2])
  })

  it('that is closed: frees its source before it says so', async () => {
    const { source, stream } = openList(25)
    const closed = new Promise((resolve) => {
      stream.on('close', () => resolve(source.isClosed))
    })
    await stream.close()
    assert.equal(source.isClosed, true)
    assert.equal(await closed, true)
  })
})
