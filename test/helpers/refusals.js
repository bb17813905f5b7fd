'use strict'
// What a refused call must leave behind: a typed error with a stable code, and
// a ring that is, byte for byte, as it was.

const assert = require('node:assert/strict')
const { IpcError } = require('../../lib/index.js')
const table = require('../../lib/base/error-codes.json')
const { threat, useRing } = require('./ring.js')
const { collect } = require('./wait.js')

const codes = new Set(table.map(([, code]) => code))

/** Whether this is an error that users can tell by its code. */
function assertTyped(error) {
  const types = [IpcError, TypeError, RangeError]
  assert(
    types.some((Type) => error instanceof Type),
    `not one of ours: ${String(error)}`
  )
  assert(codes.has(error.code), `${error.code} is not in the table`)
  assert.equal(typeof error.message, 'string')
  return true
}

/** Throws what no code of ours would. */
const thrower = () => {
  throw 'a string' // eslint-disable-line no-throw-literal
}

function hostile(handler) {
  return new Proxy({}, handler)
}

/**
 * In a `describe`: a writer that wrote two threats and a client behind them.
 * After each test what follows must be right.
 */
function useRefusals() {
  const current = useRing()
  const state = {
    writer: null,
    client: null,
    before: null,
    fingerprint: () => current().fingerprint(),

    /** `action` throws `code`, and neither ring nor writer changed. */
    refused(action, code, message = /./) {
      assert.throws(action, (error) => {
        assertTyped(error)
        assert.equal(error.code, code, error.message)
        assert.match(error.message, message)
        return true
      })
      assert.deepEqual(state.writer.stats(), state.before.stats)
      assert.deepEqual(state.fingerprint(), state.before.bytes)
    },

    /** The same threat, one by one and in the middle of a list. */
    refusedThreat(input, message) {
      const { writer, refused } = state
      refused(() => writer.writeThreat(input), 'ERR_INVALID_THREAT', message)
      refused(
        () => writer.writeThreats([threat(), input, threat()]),
        'ERR_INVALID_THREAT',
        /^threats\[1\]: /
      )
    },

    remember() {
      state.before = {
        stats: state.writer.stats(),
        bytes: state.fingerprint()
      }
    }
  }

  beforeEach(() => {
    state.writer = current().writer({ maxEvents: 64 })
    state.client = current().client()
    state.writer.writeThreats([threat('a'), threat('b')])
    state.remember()
  })

  afterEach(async () => {
    const { writer, client } = state
    if (writer.closed) return
    const last = writer.writeThreat(threat('after'))
    const count = last - client.stats().sequence
    const threats = await collect(client, count)
    assert.equal(threats.at(-1).details, 'after')
    assert.equal(client.stats().lost, 0)
    assert.equal(client.stats().corrupt, 0)
  })

  return state
}

module.exports = { assertTyped, hostile, thrower, useRefusals }
