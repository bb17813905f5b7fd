'use strict'
// The consumers that await: the callback of a pollThreats and a `for await`, how
// each of them ends, and what an iterator keeps.

const assert = require('node:assert/strict')
const { openList, turns } = require('../helpers/list-source.js')
const { numbers, sequences } = require('../helpers/sequences.js')
const { record, within } = require('../helpers/wait.js')

// What an iterator keeps that lags behind the others.
const KEPT = 256

/** A turn that resolves with nothing: what every object has is no `then`. */
const plainTurn = () =>
  new Promise((resolve) => {
    setImmediate(() => resolve())
  })

const END = { value: undefined, done: true }

describe('pollThreats', () => {
  it('goes on until the callback says false, and for nothing else', async () => {
    const { stream } = openList(9)
    const seen = []
    const answers = [undefined, null, 0, '', NaN, true, Promise.resolve(0)]
    await stream.pollThreats(({ sequence }) => {
      seen.push(sequence)
      return sequence === 8 ? false : answers[sequence - 1]
    })
    assert.deepEqual(seen, numbers(1, 8))
  })

  it('takes a promise of false for false, and awaits each', async () => {
    const { stream } = openList(9)
    const seen = []
    let isBusy = false
    await stream.pollThreats(async ({ sequence }) => {
      assert(!isBusy, 'one at a time')
      isBusy = true
      seen.push(sequence)
      await turns()
      isBusy = false
      return sequence < 4
    })
    assert.deepEqual(seen, numbers(1, 4))
  })

  it('awaits whatever has a then, and what that says first', async () => {
    const { stream } = openList(9)
    const seen = []
    const thenable = (sequence) => ({
      then(resolve, reject) {
        resolve(sequence !== 3)
        resolve(false)
        reject(new Error('too late'))
      }
    })
    await stream.pollThreats(({ sequence }) => {
      seen.push(sequence)
      return thenable(sequence)
    })
    assert.deepEqual(seen, [1, 2, 3])
    // A function can have one, too.
    const callable = Object.assign(() => {}, thenable(3))
    await stream.pollThreats(() => callable)
  })

  it('where every object has a then: awaits those that have one', async () => {
    const { stream } = openList(9)
    const seen = []
    // As a string has it then, and a list.
    const odd = ['text', [], {}, null, undefined, 5]
    let polled

    Object.prototype.then = function then() {}
    try {
      polled = stream.pollThreats(({ sequence }) => {
        seen.push(sequence)
        if (sequence === 8) return Promise.resolve(false)
        return sequence > odd.length ? true : odd[sequence - 1]
      })
      for (let i = 0; i < 5; i++) await plainTurn()
    } finally {
      delete Object.prototype.then
    }
    await within(polled, 'its end')
    assert.deepEqual(seen, numbers(1, 8))
  })

  it('rejects with what the callback throws, whatever that is', async () => {
    for (const wrong of [new Error('wrong'), 0, false, '', 'text']) {
      const { source, stream } = openList(2)
      const thrown = stream.pollThreats(() => {
        throw wrong
      })
      await thrown.then(assert.fail, (error) => assert.equal(error, wrong))
      const rejected = stream.pollThreats(() => Promise.reject(wrong))
      await rejected.then(assert.fail, (error) => assert.equal(error, wrong))
      assert.equal(source.isHeld, false)
    }
    const { stream } = openList(2)
    for (const nothing of [undefined, null]) {
      const polled = stream.pollThreats(() => Promise.reject(nothing))
      await assert.rejects(polled, { message: `it threw ${nothing}` })
    }
  })

  it('what it rejects with costs the next call nothing', async () => {
    const { stream } = openList(3)
    await stream
      .pollThreats(() => {
        throw new Error('wrong')
      })
      .catch(() => {})
    const seen = []
    await stream.pollThreats(({ sequence }) => {
      seen.push(sequence)
      return sequence < 3
    })
    assert.deepEqual(seen, [2, 3])
  })

  it('wants a function, and options that have a signal alone', async () => {
    const { stream } = openList(1)
    for (const callback of [undefined, null, {}, 'text']) {
      await assert.rejects(stream.pollThreats(callback), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARGUMENT',
        message: /^callback: expected a function, got /
      })
    }
    for (const signal of [null, {}, 'text', { aborted: false }]) {
      await assert.rejects(
        stream.pollThreats(() => {}, { signal }),
        {
          name: 'TypeError',
          code: 'ERR_INVALID_ARGUMENT',
          message: /^signal: expected { signal: AbortSignal }, got /
        }
      )
    }
  })

  it('of a signal that aborts: ends, and calls no more', async () => {
    const { host, source, stream } = openList(3)
    const controller = new AbortController()
    const { signal } = controller
    const seen = []
    const polled = stream.pollThreats((one) => void seen.push(one), { signal })
    await turns()
    controller.abort()
    await within(polled, 'its end')
    source.count = 5
    host.wake()
    await turns()
    assert.deepEqual(sequences(seen), [1, 2, 3])
    // One that has aborted calls nobody.
    await within(stream.pollThreats(assert.fail, { signal }), 'its end')
    assert.equal(source.isHeld, false)
  })

  it('leaves nothing at a signal that does not abort', async () => {
    const { stream } = openList(1)
    const heard = []
    const signal = {
      aborted: false,
      addEventListener: (...values) => heard.push(['add', ...values]),
      removeEventListener: (...values) => heard.push(['remove', ...values])
    }
    await stream.pollThreats(() => false, { signal })
    const [[add, abort, stop], ...rest] = heard
    assert.deepEqual([add, abort], ['add', 'abort'])
    assert.deepEqual(rest, [['remove', 'abort', stop]])
  })

  it('ends with the client, and takes no new call then', async () => {
    const { stream } = openList(0)
    const polled = stream.pollThreats(() => {})
    await stream.close()
    assert.equal(await within(polled, 'its end'), undefined)
    const closed = { name: 'IpcError', code: 'ERR_CLOSED' }
    await assert.rejects(
      stream.pollThreats(() => {}),
      closed
    )
    assert.throws(() => stream.poll(), closed)
    assert.throws(() => stream[Symbol.asyncIterator](), closed)
  })
})

describe('an iterator', () => {
  const results = (values) => values.map((value) => ({ value, done: false }))
  const events = (from, to) =>
    results(numbers(from, to).map((sequence) => ({ sequence })))

  it('answers calls in their order, and each with one event', async () => {
    const { host, source, stream } = openList(2)
    const iterator = stream[Symbol.asyncIterator]()
    assert.equal(iterator[Symbol.asyncIterator](), iterator)
    const asked = numbers(1, 5).map(() => iterator.next())
    await turns()
    source.count = 5
    host.wake()
    assert.deepEqual(await Promise.all(asked), events(1, 5))
  })

  it('keeps what others wanted before it did', async () => {
    const { stream } = openList(20)
    const iterator = stream[Symbol.asyncIterator]()
    record(stream, 'threat')
    await turns()
    assert.equal(stream.stats().received, 20)
    for (const event of events(1, 20)) {
      assert.deepEqual(await iterator.next(), event)
    }
  })

  it(`keeps ${KEPT}, and then the others wait for it`, async () => {
    const { stream } = openList(1000)
    const iterator = stream[Symbol.asyncIterator]()
    const seen = record(stream, 'threat')
    await turns()
    assert.equal(seen.length, KEPT)
    assert.deepEqual(stream.poll(), [])
    assert.equal((await iterator.next()).value.sequence, 1)
    await turns()
    assert.equal(seen.length, KEPT + 1)
    const rest = [iterator.next(), iterator.next()]
    await turns()
    assert.equal(seen.length, KEPT + 3)
    assert.deepEqual(await Promise.all(rest), events(2, 3))
  })

  it('that asks before it is ended by return(): the end', async () => {
    const { source, stream } = openList(0)
    const iterator = stream[Symbol.asyncIterator]()
    const asked = [iterator.next(), iterator.next()]
    assert.deepEqual(await iterator.return(7), { value: 7, done: true })
    assert.deepEqual(await Promise.all(asked), [END, END])
    assert.deepEqual(await iterator.next(), END)
    assert.equal(source.isHeld, false)
  })

  it('by throw(): rejects with that, and is at its end', async () => {
    const { source, stream } = openList(5)
    const iterator = stream[Symbol.asyncIterator]()
    const wrong = new Error('wrong')
    await assert.rejects(iterator.throw(wrong), wrong)
    assert.deepEqual(await iterator.next(), END)
    assert.equal(source.isHeld, false)
  })

  it('that has ended takes nothing, though it is the only one', async () => {
    const { source, stream } = openList(25)
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    await iterator.return()
    const other = stream[Symbol.asyncIterator]()
    await turns()
    assert.deepEqual(await iterator.next(), END)
    assert.equal((await other.next()).value.sequence, 2)
    assert.equal(source.taken, 10)
  })

  it('forgets what it kept when it ends', async () => {
    const { stream } = openList(5)
    const iterator = stream[Symbol.asyncIterator]()
    record(stream, 'threat')
    await turns()
    await iterator.return()
    assert.deepEqual(await iterator.next(), END)
  })

  it('that does not wait is told what ended it, once', async () => {
    const { host, stream } = openList(0)
    const iterator = stream[Symbol.asyncIterator]()
    const wrong = new Error('the source is broken')
    host.failed(wrong)
    await assert.rejects(iterator.next(), wrong)
    assert.deepEqual(await iterator.next(), END)
  })

  it('is awaited where every object has a then', async () => {
    const { stream } = openList(2)
    const iterator = stream[Symbol.asyncIterator]()

    Object.prototype.then = function then() {}
    let seen = null
    try {
      iterator.next().then((result) => {
        seen = [result.value.sequence, result.done]
      })
      for (let i = 0; i < 5; i++) await plainTurn()
    } finally {
      delete Object.prototype.then
    }
    assert.deepEqual(seen, [1, false])
  })

  it('alone, takes each event from what is there at once', async () => {
    const { source, stream } = openList(12)
    const iterator = stream[Symbol.asyncIterator]()
    await iterator.next()
    assert.equal(source.taken, 10)
    assert.equal(stream.stats().received, 1)
    await turns()
    // Nothing but a promise is between the call and the event.
    let isThere = false
    iterator.next().then(() => {
      isThere = true
    })
    await null
    assert.equal(isThere, true)
    assert.equal(stream.stats().received, 2)
    for (const event of events(3, 12)) {
      assert.deepEqual(await iterator.next(), event)
    }
    assert.equal(stream.stats().received, 12)
    // Asking for what is not there yet counts for nothing.
    const asked = iterator.next()
    await turns()
    const { received, sequence } = stream.stats()
    assert.deepEqual([received, sequence], [12, 12])
    source.count = 13
    stream.poll()
    assert.deepEqual([await asked], events(13, 13))
  })

  it('beside one that is awaited, takes nothing that this has not had', async () => {
    const { stream } = openList(9)
    const seen = []
    const answers = []
    stream.pollThreats(({ sequence }) => {
      seen.push(sequence)
      return new Promise((resolve) => {
        answers.push(resolve)
      })
    })
    const iterator = stream[Symbol.asyncIterator]()
    await turns()
    assert.deepEqual([await iterator.next()], events(1, 1))
    let isThere = false
    iterator.next().then(() => {
      isThere = true
    })
    await turns()
    assert.deepEqual([isThere, seen], [false, [1]])
    answers[0]()
    await turns()
    assert.deepEqual([isThere, seen], [true, [1, 2]])
  })
})
