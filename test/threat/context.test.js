'use strict'
// A context as JSON: what comes out, and what strictContext refuses with the
// path of what is wrong.

const assert = require('node:assert/strict')
const vm = require('node:vm')
const fc = require('fast-check')
const { encodeContext } = require('../../lib/threat/context.js')

function assertRefused(value, isStrict, message) {
  assert.throws(
    () => encodeContext(value, isStrict),
    (error) => {
      assert.equal(error.name, 'TypeError', error.stack)
      assert.equal(error.code, 'ERR_INVALID_THREAT')
      assert.match(error.message, message)
      return true
    }
  )
}

describe('encodeContext', () => {
  it('property: what JSON has comes out, strictly or not', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const plain = JSON.parse(JSON.stringify(value))
        for (const isStrict of [false, true]) {
          assert.equal(encodeContext(plain, isStrict), JSON.stringify(plain))
        }
      })
    )
  })

  it('what JSON has nothing for is refused', () => {
    for (const value of [() => {}, Symbol('s')]) {
      const message = /^threat\.context: expected what JSON carries, got /
      assertRefused(value, false, message)
    }
  })

  it('what cannot be encoded is refused, and the reason is the cause', () => {
    const cause = new Error('not now')
    const thrower = () => {
      throw cause
    }
    assert.throws(
      () => encodeContext({ toJSON: thrower }, false),
      (error) => {
        assert.equal(error.code, 'ERR_INVALID_THREAT')
        assert.match(error.message, /^threat\.context: .* cannot be encoded$/)
        assert.equal(error.cause, cause)
        return true
      }
    )
    // It may throw what has no properties at all.
    const nothing = () => {
      throw null // eslint-disable-line no-throw-literal
    }
    const message = /^threat\.context: .* cannot be encoded$/
    assertRefused({ toJSON: nothing }, false, message)
    assertRefused({ big: 1n }, false, message)
  })

  describe('strictly', () => {
    class Place {
      line = 3
    }
    const circle = { inner: [] }
    circle.inner.push({ circle })
    const extra = [1]
    extra.more = 2
    const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2 })
    const wrong = [
      [undefined, /^threat\.context: expected what JSON carries unchanged/],
      [-0, /^threat\.context: expected .*, got -0$/],
      [NaN, /^threat\.context: .* a finite number but -0/],
      [Infinity, /^threat\.context: /],
      [1n, /^threat\.context: /],
      [{ a: [0, { b: undefined }] }, /^threat\.context\.a\[1\]\.b: /],
      [[1, () => {}], /^threat\.context\[1\]: /],
      [new Place(), /^threat\.context: expected .*, a plain object, got /],
      [{ at: new Date(0) }, /^threat\.context\.at: /],
      [circle, /^threat\.context\.inner\[0\]\.circle: expected no circle/],
      [
        new Array(2),
        /^threat\.context: expected a list without holes and other properties/
      ],
      [
        { list: extra },
        /^threat\.context\.list: expected a list without holes/
      ],
      [hidden, /: expected no symbols and no hidden properties as keys/],
      [{ [Symbol('s')]: 1 }, /: expected no symbols and no hidden properties/],
      [{ 'a b': { '': -0 } }, /^threat\.context\['a b'\]\[''\]: /],
      [{ '1a': -0 }, /^threat\.context\['1a'\]: /],
      [{ a$_1: -0 }, /^threat\.context\.a\$_1: /],
      [{ ['k'.repeat(64)]: -0 }, /^threat\.context\.k{64}: /],
      [{ ['k'.repeat(65)]: -0 }, /^threat\.context\['k+'\.\.\. 25 more/]
    ]
    for (const [value, message] of wrong) {
      it(`refuses, by ${message}`, () => assertRefused(value, true, message))
    }

    it('takes what stands in several places, but not within itself', () => {
      const shared = { list: [1] }
      const value = { a: shared, b: [shared, shared] }
      assert.equal(encodeContext(value, true), JSON.stringify(value))
    })

    it('takes objects without a prototype, of another realm, and frozen', () => {
      const bare = Object.assign(Object.create(null), { a: 1 })
      const foreign = vm.runInNewContext('({ a: [1, {}] })')
      const frozen = Object.freeze({ a: Object.freeze([]) })
      for (const value of [bare, foreign, frozen, null, '', 0, true, false]) {
        assert.equal(encodeContext(value, true), JSON.stringify(value))
      }
    })

    it('takes a key of __proto__ as the key that it is', () => {
      const value = JSON.parse('{"__proto__":{"a":1},"b":2}')
      assert.equal(encodeContext(value, true), '{"__proto__":{"a":1},"b":2}')
    })

    it('encodes what it checked, and reads each property once', () => {
      let reads = 0
      const value = {
        get a() {
          return reads++ === 0 ? 1 : new Date(0)
        }
      }
      assert.equal(encodeContext(value, true), '{"a":1}')
      assert.equal(reads, 1)
    })
  })
})
