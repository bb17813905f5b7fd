'use strict'
// The checks of options by themselves, where no file and no Shield is needed.

const assert = require('node:assert/strict')
const path = require('node:path')
const {
  checkFactory,
  checkLocation,
  checkReader,
  checkWriter,
  LOCATION_CHECKS,
  pick
} = require('../../lib/options/check.js')
const { checkIpc } = require('../../lib/options/ipc.js')
const { ringBytes } = require('../../lib/threat/size.js')
const { here } = require('../helpers/system.js')

const GENERATION = '0123456789abcdef'
const MAX = Number.MAX_SAFE_INTEGER

function refused(action, name, message) {
  let thrown
  assert.throws(action, (error) => {
    assert.equal(error.name, name, error.stack)
    assert.equal(error.code, 'ERR_INVALID_OPTION')
    assert.match(error.message, message)
    thrown = error
    return true
  })
  return thrown
}

describe('options of a writer and of a reader', () => {
  it('are filled in where a default counts at once', () => {
    assert.deepEqual({ ...checkWriter(undefined) }, {})
    assert.deepEqual({ ...checkLocation({ name: 'a' }) }, { name: 'a' })
    assert.deepEqual(
      { ...checkReader({}) },
      {
        ...{ from: 'latest', spinMicros: 50 },
        ...{ maxEventBytes: 2 ** 20, freeze: false }
      }
    )
    const given = { from: 3, latency: 'low', maxEventBytes: 4096, freeze: true }
    assert.deepEqual({ ...checkReader(given) }, { ...given, spinMicros: 2000 })
  })

  it('of the other end are unknown', () => {
    for (const [key, action] of [
      ['from', () => checkWriter({ from: 1 })],
      ['overflow', () => checkReader({ overflow: 'reject' })],
      ['from', () => checkLocation({ from: 1 })]
    ]) {
      const message = new RegExp(
        `^option '${key}' is unknown; these exist: dir`
      )
      refused(action, 'TypeError', message)
    }
  })

  it('in one that does not inherit: nothing is taken from elsewhere', () => {
    Object.prototype.maxEvents = 77
    try {
      assert.equal(checkWriter({}).maxEvents, undefined)
      assert.equal(checkIpc({}).writer.maxEvents, undefined)
    } finally {
      delete Object.prototype.maxEvents
    }
  })

  it('are kept where every object has a setter of that name', () => {
    let isCalled = false
    Object.defineProperty(Object.prototype, 'maxEvents', {
      configurable: true,
      set() {
        isCalled = true
      },
      get: () => undefined
    })
    try {
      assert.equal(checkWriter({ maxEvents: 20 }).maxEvents, 20)
      assert.equal(isCalled, false)
    } finally {
      delete Object.prototype.maxEvents
    }
  })

  it('pick takes what is given and no undefined', () => {
    const options = { name: undefined, dir: here('/a'), other: 1 }
    const picked = pick(options, LOCATION_CHECKS)
    assert.deepEqual(Object.keys(picked), ['dir'])
    assert.equal(picked.dir, here('/a'))
    Object.prototype.name = 'everywhere'
    try {
      assert.equal(pick({ dir: '/a' }, LOCATION_CHECKS).name, undefined)
    } finally {
      delete Object.prototype.name
    }
  })

  it('that cannot be read: the reason is the cause, and none otherwise', () => {
    const cause = new Error('not now')
    const options = new Proxy(
      {},
      {
        ownKeys() {
          throw cause
        }
      }
    )
    const message = /^options: expected a plain object that can be read, got /
    const check = () => checkReader(options)
    assert.equal(refused(check, 'TypeError', message).cause, cause)
    for (const value of [null, 5, [], new Map()]) {
      const error = refused(() => checkReader(value), 'TypeError', message)
      assert.equal(error.cause, undefined)
    }
  })
})

describe('after', () => {
  const check = (after) => checkReader({ after }).after
  const good = { generation: GENERATION, sequence: 7, priority: 3 }

  it('is a position, whose priority may be missing', () => {
    assert.deepEqual(check(good), good)
    const none = { generation: GENERATION, sequence: 0 }
    assert.deepEqual(check(none), { ...none, priority: null })
    const most = { ...good, sequence: MAX, priority: 2 ** 32 - 1 }
    assert.deepEqual(check({ ...most, more: 1 }), most)
    assert.deepEqual(check({ ...good, priority: 0 }).priority, 0)
    assert.deepEqual(check({ ...good, priority: null }).priority, null)
  })

  const message =
    /^option after: expected { generation: 16 hex digits, sequence: from 0 }, and as `priority` what stats\(\) said \(a threat has them\), or { file: path } alone, got /
  const wrong = {
    generation: [
      ...[undefined, null, 5, '', 'x'.repeat(16), GENERATION.slice(1)],
      ...[`${GENERATION}0`, `0${GENERATION}`, [GENERATION]],
      GENERATION.toUpperCase()
    ],
    sequence: [undefined, null, '7', -1, 0.5, MAX + 1],
    priority: [-1, 0.5, 2 ** 32, '3', true]
  }
  for (const [key, values] of Object.entries(wrong)) {
    it(`is refused for its ${key}`, () => {
      for (const value of values) {
        refused(() => check({ ...good, [key]: value }), 'TypeError', message)
      }
    })
  }

  it('is refused when it is no plain object, or cannot be read', () => {
    class Position {
      generation = GENERATION
      sequence = 7
    }
    const throwing = {
      ...good,
      get sequence() {
        throw new Error('not now')
      }
    }
    const all = [null, 5, 'text', [], new Position(), Object.create(good)]
    for (const value of [...all, throwing]) {
      refused(() => check(value), 'TypeError', message)
    }
  })

  it('is refused for what every object has', () => {
    Object.assign(Object.prototype, good)
    try {
      for (const value of [null, 5, [], {}]) {
        refused(() => check(value), 'TypeError', message)
      }
    } finally {
      for (const key of Object.keys(good)) delete Object.prototype[key]
    }
  })

  it('is a file, made absolute, beside which from may stand', () => {
    const file = path.resolve('position.json')
    const undefinedBeside = { file, generation: undefined, sequence: undefined }
    for (const value of [{ file: 'position.json' }, undefinedBeside]) {
      assert.deepEqual(check(value), { file })
    }
    for (const action of [checkReader, checkFactory]) {
      const both = action({ from: 'oldest', after: { file } })
      assert.deepEqual([both.from, both.after], ['oldest', { file }])
    }
  })

  it('is refused for a file that is no path, or beside a position', () => {
    for (const [file, name] of [
      [5, 'TypeError'],
      [null, 'TypeError'],
      ['', 'RangeError'],
      ['a\0b', 'RangeError']
    ]) {
      refused(() => check({ file }), name, /^option after\.file: expected a /)
    }
    for (const more of [good, { sequence: 7 }, { priority: null }]) {
      refused(() => check({ ...more, file: 'x' }), 'TypeError', message)
    }
  })

  it('and from exclude each other', () => {
    const message2 = /^option after: option from is given, too; give only one$/
    for (const action of [checkReader, checkFactory]) {
      const both = { from: 'oldest', after: good }
      refused(() => action(both), 'TypeError', message2)
    }
  })
})

describe('single options', () => {
  it('a choice: all that there are, and an or before the last', () => {
    const message =
      /^option prioritySeverity: expected 'Low', 'Medium', 'High', 'Critical' or 'none', got 'high'$/
    refused(
      () => checkWriter({ prioritySeverity: 'high' }),
      'RangeError',
      message
    )
  })

  it('a path that is relative, where the working directory is gone', () => {
    const { cwd } = process
    const root = path.resolve('/')
    process.cwd = () => {
      throw Object.assign(new Error('gone'), { code: 'ENOENT' })
    }
    try {
      const dir = path.join(root, 'a', '..', 'b')
      assert.equal(checkLocation({ dir }).dir, path.join(root, 'b'))
      const message =
        /^option dir: expected an absolute path, since the working directory is gone, got 'a'$/
      refused(() => checkLocation({ dir: 'a' }), 'RangeError', message)
    } finally {
      process.cwd = cwd
    }
  })

  it('a bufferSize that holds maxEvents, to the byte', () => {
    for (const [options, capacity, lane] of [
      [{}, 1024, 256],
      [{ maxEvents: 17 }, 32, 256],
      [{ maxEvents: 16, priorityEvents: 0 }, 16, 0]
    ]) {
      const needed = ringBytes(capacity, lane)
      const check = (bufferSize) => checkWriter({ ...options, bufferSize })
      assert.equal(check(needed).bufferSize, needed)
      const { maxEvents = 1000 } = options
      refused(
        () => check(needed - 1),
        'RangeError',
        new RegExp(
          `^option bufferSize: ${needed - 1} bytes are too few, ` +
            `${maxEvents} events need ${needed}; raise it, or lower option ` +
            'maxEvents or option priorityEvents$'
        )
      )
    }
  })
})
