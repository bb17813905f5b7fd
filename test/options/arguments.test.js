'use strict'
// The arguments of calls: what poll(), pollThreats and a batch may be given.

const assert = require('node:assert/strict')
const { checkMax, checkSignal } = require('../../lib/options/arguments.js')
const { checkBatch } = require('../../lib/options/batch.js')
const { IpcError } = require('../../lib/base/errors.js')

const MAX = Number.MAX_SAFE_INTEGER

function refused(action, name, message, cause) {
  assert.throws(action, (error) => {
    assert.equal(error.name, name, error.stack)
    assert.equal(error.code, 'ERR_INVALID_ARGUMENT')
    assert.match(error.message, message)
    assert.equal(error.cause, cause)
    return true
  })
}

describe('max', () => {
  it('is a whole number from 1', () => {
    for (const max of [1, 2, MAX]) checkMax(max)
    const message = /^max: expected a whole number from 1, got /
    for (const max of [0, -1, 0.5, 1.5, NaN, Infinity, MAX + 1]) {
      refused(() => checkMax(max), 'RangeError', message)
    }
    for (const max of [undefined, null, '1', 1n, [1], {}]) {
      refused(() => checkMax(max), 'TypeError', message)
    }
  })
})

describe('the options of pollThreats', () => {
  const message = /^signal: expected { signal: AbortSignal }, got /
  const signal = {
    aborted: false,
    addEventListener() {},
    removeEventListener() {}
  }

  it('are a signal, or what does the same, or none', () => {
    assert.equal(checkSignal({}), undefined)
    assert.equal(checkSignal({ signal: undefined }), undefined)
    for (const one of [new AbortController().signal, signal]) {
      assert.equal(checkSignal({ signal: one }), one)
    }
  })

  it('are refused where the signal lacks anything of it', () => {
    const callable = Object.assign(() => {}, signal)
    for (const one of [null, 5, 'text', true, {}, callable]) {
      refused(() => checkSignal({ signal: one }), 'TypeError', message)
    }
    for (const key of Object.keys(signal)) {
      for (const value of [undefined, 'true', {}]) {
        const odd = { ...signal, [key]: value }
        refused(() => checkSignal({ signal: odd }), 'TypeError', message)
      }
    }
  })

  it('are refused with anything beside it, and when they are none', () => {
    for (const options of [
      ...[null, 5, 'text', [], () => {}, new Map(), signal],
      ...[{ signal, more: 1 }, { more: undefined }, Object.create({ signal })]
    ]) {
      refused(() => checkSignal(options), 'TypeError', message)
    }
  })

  it('that cannot be read: the reason is the cause', () => {
    const cause = new Error('not now')
    const options = {
      get signal() {
        throw cause
      }
    }
    refused(() => checkSignal(options), 'TypeError', /^signal: /, cause)
  })
})

describe('a batch', () => {
  const double = (value) => 2 * value

  it('is checked one by one, in order', () => {
    assert.deepEqual(checkBatch([], 3, double), [])
    assert.deepEqual(checkBatch([1, 2, 3], 3, double), [2, 4, 6])
    assert.deepEqual(checkBatch(new Set([1, 2]), 3, double), [2, 4])
  })

  it('of more than the most: refused, and no more is asked for', () => {
    let asked = 0
    function* threats() {
      for (;;) yield ++asked
    }
    assert.throws(() => checkBatch(threats(), 3, double), {
      name: 'IpcError',
      code: 'ERR_BATCH_TOO_LARGE',
      message: /^(?!threats\[)/
    })
    assert.equal(asked, 4)
  })

  it('of which one is wrong: its error, with its index', () => {
    const wrong = new IpcError('ERR_EVENT_TOO_LARGE')
    const { message } = wrong
    const check = (value) => {
      if (value === 3) throw wrong
      return value
    }
    assert.throws(
      () => checkBatch([1, 2, 3, 4], 9, check),
      (error) => {
        assert.equal(error, wrong)
        assert.equal(error.message, `threats[2]: ${message}`)
        return true
      }
    )
  })

  it('that is no list: an error that shows it', () => {
    const message = /^threats: expected a list of threats, got /
    for (const threats of [undefined, null, 5, {}, true]) {
      assert.throws(() => checkBatch(threats, 3, double), {
        ...{ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT', message }
      })
    }
  })

  it('whose iterator throws, at once or later: the reason is the cause', () => {
    const cause = new Error('not now')
    function* threats() {
      yield 1
      throw cause
    }
    const message = /^threats: expected a list of threats, got /
    refused(() => checkBatch(threats(), 3, double), 'TypeError', message, cause)
    const atOnce = {
      [Symbol.iterator]() {
        throw cause
      }
    }
    refused(() => checkBatch(atOnce, 3, double), 'TypeError', message, cause)
  })
})
