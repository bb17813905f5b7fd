'use strict'
// Threats of wrong types and ranges.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const {
  assertTyped,
  hostile,
  thrower,
  useRefusals
} = require('../helpers/refusals.js')
const { threat } = require('../helpers/ring.js')

describe('bad input', () => {
  const state = useRefusals()

  describe('F52 wrong types', () => {
    const things = {
      undefined: () => undefined,
      null: () => null,
      'a number': () => 1.5,
      NaN: () => NaN,
      Infinity: () => Infinity,
      '-1': () => -1,
      '2^53': () => 2 ** 53,
      'a BigInt': () => 1n,
      'a symbol': () => Symbol('s'),
      'a function': () => () => 1,
      'a list': () => ['High'],
      'an object': () => ({ toString: () => 'High', valueOf: () => 1 }),
      'a String object': () => Object('High'),
      'a Number object': () => Object(1),
      'a date': () => new Date(),
      'a buffer': () => Buffer.from('High'),
      'a detached buffer': () => {
        const buffer = new ArrayBuffer(8)
        structuredClone(buffer, { transfer: [buffer] })
        return buffer
      },
      'a proxy that throws': () =>
        hostile({ get: thrower, ownKeys: thrower, getPrototypeOf: thrower }),
      'a revoked proxy': () => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      },
      'an object whose tag throws': () => ({
        get [Symbol.toStringTag]() {
          return thrower()
        }
      }),
      'an unknown name': () => 'Nonsense',
      'a name in the wrong case': () => 'high',
      'the name of a property': () => '__proto__',
      'a lone surrogate': () => '\ud800',
      'a turned pair of surrogates': () => 'a\udc00\ud800b'
    }
    const texts = ['an unknown name', 'a name in the wrong case']
    texts.push('the name of a property')
    const allowed = {
      threatType: [],
      severity: [],
      source: texts,
      details: texts,
      blocked: ['undefined'],
      timestampUs: ['undefined'],
      id: [...texts, 'undefined']
    }
    for (const [field, fine] of Object.entries(allowed)) {
      for (const [name, make] of Object.entries(things)) {
        if (fine.includes(name)) continue
        it(`${field}: ${name}`, () => {
          state.refusedThreat(
            { ...threat(), [field]: make() },
            new RegExp(`^threat\\.${field}: expected .*, got `)
          )
        })
      }
    }

    it('a threat that is none', () => {
      for (const [name, make] of Object.entries(things)) {
        state.refusedThreat(make(), /^threat/)
        assert(name)
      }
    })

    it('numbers just outside their range', () => {
      const wrong = {
        threatType: [-1, 2 ** 32, 0.5, -0.5],
        severity: [-1, 256, 3.5],
        timestampUs: [0, -0, -1, 0.5, 2 ** 53, Number.MAX_VALUE]
      }
      for (const [field, values] of Object.entries(wrong)) {
        for (const value of values) {
          state.refusedThreat({ ...threat(), [field]: value }, /got -?\d/)
        }
      }
    })

    it('an empty id', () => {
      state.refusedThreat({ ...threat(), id: '' }, /not empty/)
    })

    it('-0 is 0', () => {
      state.writer.writeThreat(threat('zero', { threatType: -0, severity: -0 }))
      const one = state.client.poll().at(-1)
      assert(Object.is(one.severityCode, 0))
      assert.equal(one.threatType, 'Unknown')
    })

    it('more than any ring holds: ERR_EVENT_TOO_LARGE', () => {
      const { refused, writer } = state
      // 65,535 slots of 340 bytes are the most.
      const long = 'x'.repeat(30_000_000)
      for (const field of ['details', 'id', 'context']) {
        const input = { ...threat(), [field]: long }
        refused(() => writer.writeThreat(input), 'ERR_EVENT_TOO_LARGE')
        refused(
          () => writer.writeThreats([threat(), input]),
          'ERR_EVENT_TOO_LARGE'
        )
      }
    })

    it('a context that JSON does not carry', () => {
      const circular = {}
      circular.self = circular
      let deep = []
      for (let i = 0; i < 100_000; i++) deep = [deep]
      const contexts = [
        () => {},
        Symbol('s'),
        1n,
        { big: 1n },
        circular,
        deep,
        { toJSON: thrower },
        { toJSON: () => undefined },
        {
          get a() {
            return thrower()
          }
        },
        hostile({ ownKeys: thrower })
      ]
      for (const context of contexts) {
        state.refusedThreat({ ...threat(), context }, /^threat\.context: /)
      }
    })

    it('property: anything at all as a threat', () => {
      const anything = fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withNullPrototype: true,
        withObjectString: true,
        withSet: true,
        withSparseArray: true,
        withTypedArray: true
      })
      const fields = Object.keys({ ...threat(), id: 0, context: 0 })
      const almost = fc
        .tuple(fc.constantFrom(...fields, 'timestampUs'), anything)
        .map(([field, value]) => ({ ...threat(), [field]: value }))
      fc.assert(
        fc.property(fc.oneof(anything, almost), (input) => {
          const { stats } = state.before
          try {
            state.writer.writeThreat(input)
          } catch (error) {
            assertTyped(error)
            assert.deepEqual(state.writer.stats(), stats)
            assert.deepEqual(state.fingerprint(), state.before.bytes)
            return
          }
          state.client.poll()
          state.remember()
        }),
        { numRuns: 500 }
      )
    })
  })
})
