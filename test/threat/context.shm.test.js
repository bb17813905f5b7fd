'use strict'
// What JSON makes of a context, and strictContext, which refuses what JSON
// would change.

const assert = require('node:assert/strict')
const vm = require('node:vm')
const fc = require('fast-check')
const { IpcFactory } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')

class Place {
  line = 3
}

const circle = { inner: [] }
circle.inner.push({ circle })

let deep = []
for (let i = 0; i < 100_000; i++) deep = [deep]

// What is given, what comes out without strictContext (unless that is an error,
// too), and where strictContext sees it.
const CHANGED = [
  ['undefined in a list', [undefined], [null], '[0]'],
  ['undefined in an object', { a: { b: undefined } }, { a: {} }, '.a.b'],
  ['NaN', { n: NaN }, { n: null }, '.n'],
  ['Infinity', [1, -Infinity], [1, null], '[1]'],
  ['-0', { z: -0 }, { z: 0 }, '.z'],
  ['a Map', { m: new Map([[1, 2]]) }, { m: {} }, '.m'],
  ['a Set', [new Set([1])], [{}], '[0]'],
  ['an Error', { e: new Error('why') }, { e: {} }, '.e'],
  ['a Date', new Date(0), '1970-01-01T00:00:00.000Z', ''],
  ['a Date in a Map', { m: new Map([['d', new Date(0)]]) }, { m: {} }, '.m'],
  ['a RegExp', { r: /a/ }, { r: {} }, '.r'],
  ['bytes', { b: new Uint8Array([1, 2]) }, { b: { 0: 1, 1: 2 } }, '.b'],
  ['a Buffer', Buffer.from('a'), { type: 'Buffer', data: [97] }, ''],
  ['an instance of a class', { p: new Place() }, { p: { line: 3 } }, '.p'],
  ['a function', { f() {} }, {}, '.f'],
  ['a symbol', [Symbol('s')], [null], '[0]'],
  ['a symbol as key', { a: { [Symbol('s')]: 1 } }, { a: {} }, '.a'],
  ['a hidden property', Object.defineProperty({}, 'h', { value: 1 }), {}, ''],
  ['a list with a hole', [1, , 3], [1, null, 3], ''], // eslint-disable-line no-sparse-arrays
  ['a list with a name', Object.assign([1], { a: 2 }), [1], ''],
  ['a toJSON', { a: { toJSON: () => 1 } }, { a: 1 }, '.a.toJSON'],
  ['a Number object', [Object(1)], [1], '[0]'],
  ['what inherits', { i: Object.create({ a: 1 }) }, { i: {} }, '.i'],
  [
    'a strange key',
    { 'a b': { "'": NaN } },
    { 'a b': { "'": null } },
    `['a b']["'"]`
  ],
  ['a BigInt', { big: [1n] }, Error, '.big[0]'],
  ['a circle', circle, Error, '.inner[0].circle'],
  ['no end of lists', deep, Error, '']
]

const UNCHANGED = {
  'null, flags, text': [null, true, false, '', 'text', '\ud800', '\0'],
  numbers: [0, 1.5, -1, 1e300, Number.MAX_SAFE_INTEGER, 5e-324],
  'objects and lists': { a: [{ b: [] }], 'a b': {}, '': 1 },
  'an own __proto__': JSON.parse('{"__proto__":{"a":1}}'),
  'the same object twice': [[], []].fill({ same: 1 }),
  text: 'just text',
  null: null
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

describe('the context of a threat', () => {
  const current = useRing()
  let lax
  let strict
  let client

  beforeEach(() => {
    const ring = current()
    lax = ring.writer({ maxEvents: 64 })
    strict = ring.writer({ maxEvents: 64, name: 's', strictContext: true })
    client = ring.client({ name: 's' })
  })

  for (const [name, context, expected, at] of CHANGED) {
    it(`F81 ${name}: refused, or what JSON makes of it`, () => {
      const error = {
        name: 'TypeError',
        code: 'ERR_INVALID_THREAT',
        message: new RegExp(`^threat\\.context${escape(at)}: expected `)
      }
      const before = strict.stats()
      assert.throws(() => strict.writeThreat(threat('', { context })), error)
      assert.throws(
        () => strict.writeThreats([threat(), threat('', { context })]),
        { ...error, message: /^threats\[1\]: threat\.context/ }
      )
      assert.deepEqual(strict.stats(), before)
      const reader = current().client()
      if (expected === Error) {
        assert.throws(() => lax.writeThreat(threat('', { context })), {
          code: 'ERR_INVALID_THREAT'
        })
      } else {
        lax.writeThreat(threat('', { context }))
        assert.deepEqual(reader.poll()[0].context, expected)
      }
    })
  }

  for (const [name, context] of Object.entries(UNCHANGED)) {
    it(`F81 ${name}: comes out as it went in`, () => {
      strict.writeThreat(threat('', { context }))
      assert.deepEqual(client.poll()[0].context, context)
    })
  }

  it('F81 no context is none, and other realms have plain objects, too', () => {
    strict.writeThreat(threat('', { context: undefined }))
    const foreign = vm.runInNewContext('({ a: [1, {}] })')
    strict.writeThreat(threat('', { context: foreign }))
    const bare = Object.assign(Object.create(null), { a: 1 })
    strict.writeThreat(threat('', { context: bare }))
    const contexts = client.poll().map(({ context }) => context)
    assert.deepEqual(contexts, [undefined, { a: [1, {}] }, { a: 1 }])
  })

  it('F81 what was checked is what is sent: each property is read once', () => {
    let reads = 0
    const context = {
      get a() {
        return reads++ === 0 ? 'fine' : new Map()
      }
    }
    strict.writeThreat(threat('', { context }))
    assert.deepEqual(client.poll()[0].context, { a: 'fine' })
  })

  it('F81 whatever is accepted comes out as it went in', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true
    })
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anything), (context) => {
        try {
          strict.writeThreat(threat('', { context }))
        } catch (error) {
          assert(
            ['ERR_INVALID_THREAT', 'ERR_EVENT_TOO_LARGE'].includes(error.code)
          )
          return
        }
        accepted++
        assert.deepEqual(client.poll()[0].context, context)
      }),
      { numRuns: 1000 }
    )
    assert(accepted > 100, `${accepted} were accepted`)
  })

  it('F81 over WebSocket, too', async () => {
    const shield = current().keep(
      IpcFactory.createTransport({
        dir: current().dir,
        name: 'web',
        preferShm: false,
        strictContext: true,
        websocket: { port: 0 }
      })
    )
    await shield.ready()
    const context = { a: [new Map()] }
    assert.throws(() => shield.writeThreat(threat('', { context })), {
      code: 'ERR_INVALID_THREAT',
      message: /^threat\.context\.a\[0\]: expected what JSON carries unchanged/
    })
    assert.throws(() => shield.writeThreats([threat('', { context })]), {
      code: 'ERR_INVALID_THREAT'
    })
  })
})
