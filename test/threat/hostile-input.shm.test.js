'use strict'
// Threats and lists whose getters, proxies and iterators run code of their own.

const assert = require('node:assert/strict')
const { hostile, thrower, useRefusals } = require('../helpers/refusals.js')
const { threat } = require('../helpers/ring.js')

describe('hostile input', () => {
  const state = useRefusals()

  describe('F52 hostile objects', () => {
    const fields = Object.keys(threat())
    fields.push('timestampUs', 'id', 'context')

    /** A threat with a getter for one of its fields. */
    function withGetter(field, get) {
      return Object.defineProperty(threat('outer'), field, {
        get,
        enumerable: true
      })
    }

    for (const field of fields) {
      it(`a getter of ${field} that throws a string`, () => {
        state.refusedThreat(withGetter(field, thrower), /threat/)
      })

      it(`a getter of ${field} that writes`, () => {
        let inner = 0
        const values = { ...threat('outer'), timestampUs: 1, id: 'i' }
        const input = withGetter(field, () => {
          inner = state.writer.writeThreat(threat('inner', { id: 'inner' }))
          return values[field]
        })
        assert.equal(state.writer.writeThreat(input), 4)
        assert.equal(inner, 3)
        assert.equal(state.writer.writeThreats([threat(), input, threat()]), 8)
        assert.equal(inner, 5)
        const details = state.client.poll().map((one) => one.details)
        assert.deepEqual(details.slice(2), [
          'inner',
          'outer',
          'inner',
          'details',
          'outer',
          'details'
        ])
      })

      it(`a getter of ${field} that closes the writer`, () => {
        const input = withGetter(field, () => {
          state.writer.close()
          return threat()[field]
        })
        const error = { name: 'IpcError', code: 'ERR_CLOSED' }
        const closed = [
          () => state.writer.writeThreat(input),
          () => state.writer.writeThreat(input)
        ]
        for (const write of closed) assert.throws(write, error)
        assert.deepEqual(state.fingerprint(), state.before.bytes)
      })

      it(`a getter of ${field} that closes in the middle of a list`, () => {
        const input = withGetter(field, () => {
          state.writer.close()
          return threat()[field]
        })
        assert.throws(
          () => state.writer.writeThreats([threat(), input, threat()]),
          {
            name: 'IpcError',
            code: 'ERR_CLOSED'
          }
        )
        assert.deepEqual(state.fingerprint(), state.before.bytes)
      })
    }

    it('each property is read once', () => {
      const reads = {}
      const input = new Proxy(threat('once', { id: 'x', timestampUs: 5 }), {
        get(target, key) {
          reads[key] = (reads[key] ?? 0) + 1
          return target[key]
        }
      })
      state.writer.writeThreat(input)
      assert.deepEqual(
        Object.values(reads),
        Object.keys(reads).map(() => 1)
      )
      assert.deepEqual(Object.keys(reads).sort(), [...fields].sort())
    })

    it('a value that changes with every look is taken as it was', () => {
      let looks = 0
      const input = withGetter('details', () => (looks++ === 0 ? 'text' : 7))
      state.writer.writeThreat(input)
      assert.equal(state.client.poll().at(-1).details, 'text')
    })

    it('toJSON of a context may write', () => {
      const context = {
        toJSON: () => ({ wrote: state.writer.writeThreat(threat('inner')) })
      }
      assert.equal(state.writer.writeThreat(threat('outer', { context })), 4)
      const [inner, outer] = state.client.poll().slice(2)
      assert.equal(inner.details, 'inner')
      assert.deepEqual(outer.context, { wrote: 3 })
    })
  })

  describe('F52 lists', () => {
    const iterable = (iterator) => ({ [Symbol.iterator]: iterator })

    it('what is no list', () => {
      const inputs = [undefined, null, 1, true, {}, threat(), () => {}, 1n]
      for (const input of [...inputs, Symbol('s'), new WeakMap()]) {
        state.refused(
          () => state.writer.writeThreats(input),
          'ERR_INVALID_ARGUMENT'
        )
      }
      state.refused(() => state.writer.writeThreats('ab'), 'ERR_INVALID_THREAT')
    })

    const wrong = {
      'an iterator that throws': iterable(thrower),
      'a getter of the iterator that throws': {
        get [Symbol.iterator]() {
          return thrower()
        }
      },
      'an iterator that is none': iterable(() => 5),
      'an iterator without next': iterable(() => ({})),
      'a next that throws': iterable(() => ({ next: thrower })),
      'a next that gives no object': iterable(() => ({ next: () => 1 })),
      'a done that throws': iterable(() => ({
        next: () => ({
          get done() {
            return thrower()
          }
        })
      })),
      'a generator that throws behind two': iterable(function* generate() {
        yield threat()
        yield threat()
        thrower()
      }),
      'a proxy that throws': hostile({ get: thrower })
    }
    for (const [name, list] of Object.entries(wrong)) {
      it(name, () => {
        state.refused(
          () => state.writer.writeThreats(list),
          'ERR_INVALID_ARGUMENT'
        )
      })
    }

    it('a list without end is too large, and comes to its end', () => {
      state.refused(
        () =>
          state.writer.writeThreats(
            iterable(function* generate() {
              for (;;) yield threat()
            })
          ),
        'ERR_BATCH_TOO_LARGE'
      )
    })

    it('a list that writes while it is read', () => {
      const last = state.writer.writeThreats(
        iterable(function* generate() {
          yield threat('one')
          state.writer.writeThreats([threat('inner'), threat('inner')])
          yield threat('two')
        })
      )
      assert.equal(last, 6)
      assert.deepEqual(
        state.client.poll().map(({ details }) => details),
        ['a', 'b', 'inner', 'inner', 'one', 'two']
      )
    })

    it('a list that closes the writer', () => {
      assert.throws(
        () =>
          state.writer.writeThreats(
            iterable(function* generate() {
              yield threat()
              state.writer.close()
            })
          ),
        { name: 'IpcError', code: 'ERR_CLOSED' }
      )
      assert.deepEqual(state.fingerprint(), state.before.bytes)
    })
  })
})
