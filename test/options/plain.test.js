'use strict'
// Options that are no plain object: what they inherit or hold in another way
// would be ignored, so they are refused.

const assert = require('node:assert/strict')
const vm = require('node:vm')
const {
  BenchmarkClient,
  IpcFactory,
  PlatformShm,
  SharedMemoryIpc,
  ShmClient
} = require('../../lib/index.js')
const { here } = require('../helpers/system.js')

class Settings {
  dir = '/nowhere'
}

class Computed {
  get dir() {
    return '/nowhere'
  }
}

const NOT_PLAIN = {
  'an instance of a class': () => new Settings(),
  'one whose class has getters': () => new Computed(),
  'a Map': () => new Map([['dir', '/nowhere']]),
  'a Set': () => new Set(),
  'a list': () => [],
  'a list of entries': () => [['dir', '/nowhere']],
  'what inherits from options': () => Object.create({ dir: '/nowhere' }),
  'what inherits from what has no prototype': () =>
    Object.create(Object.assign(Object.create(null), { dir: '/nowhere' })),
  'a date': () => new Date(),
  'an error': () => new Error('wrong'),
  'a promise': () => Promise.resolve({}),
  URLSearchParams: () => new URLSearchParams('dir=/nowhere'),
  'a String object': () => Object('dir')
}

/** What `action` says of options. */
function assertRefused(action, code, message) {
  assert.throws(action, (error) => {
    assert.equal(error.name, 'TypeError')
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  })
}

describe('options that are no plain object', () => {
  for (const [name, make] of Object.entries(NOT_PLAIN)) {
    it(`F79 ${name}`, async () => {
      const calls = [
        () => new SharedMemoryIpc(make()),
        () => new ShmClient(make()),
        () => PlatformShm.path(make()),
        () => IpcFactory.createTransport(make()),
        () => IpcFactory.createHybridTransport(make()),
        () => new BenchmarkClient(make())
      ]
      const expected = /^options: expected a plain object/
      for (const call of calls) {
        assertRefused(call, 'ERR_INVALID_OPTION', expected)
      }
      await assert.rejects(IpcFactory.createClient(make()), {
        name: 'TypeError',
        code: 'ERR_INVALID_OPTION',
        message: expected
      })
      assertRefused(
        () => IpcFactory.createTransport({ websocket: make() }),
        'ERR_INVALID_OPTION',
        /^option websocket: expected a plain object/
      )
      assertRefused(
        () => IpcFactory.createTransport({ after: make() }),
        'ERR_INVALID_OPTION',
        /^option after: /
      )
      const after = Object.assign(make(), {
        generation: '0123456789abcdef',
        sequence: 1
      })
      assertRefused(
        () => IpcFactory.createTransport({ after }),
        'ERR_INVALID_OPTION',
        /^option after: /
      )
    })
  }

  it('F79 plain ones are taken: without a prototype, of another realm', () => {
    const bare = Object.assign(Object.create(null), { dir: '/nowhere' })
    const foreign = vm.runInNewContext("({ dir: '/nowhere' })")
    const frozen = Object.freeze({ dir: '/nowhere' })
    const proxy = new Proxy({ dir: '/nowhere' }, {})
    for (const options of [bare, foreign, frozen, proxy, { ...bare }]) {
      const file = here('/nowhere/kindly-guard.shm')
      assert.equal(PlatformShm.path(options), file)
    }
  })
})
