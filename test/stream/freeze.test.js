'use strict'
// The option `freeze`: nobody can change what all are given.

const assert = require('node:assert/strict')
const { openList } = require('../helpers/list-source.js')
const { record } = require('../helpers/wait.js')

describe('freeze', () => {
  const isFrozen = (value) => Object.isFrozen(value)

  /** Events with a context, which has lists and objects. */
  function openDeep(isFreezing) {
    const all = openList(0, isFreezing)
    all.source.take = (_max, threats) => {
      threats.push({ sequence: 1, context: { a: [{ b: 1 }], none: null } })
      return false
    }
    return all
  }

  for (const isFreezing of [true, false]) {
    it(`${isFreezing}: all that is given, or nothing`, async () => {
      const { host, stream } = openDeep(isFreezing)
      const lists = record(stream, 'threats')
      const losses = record(stream, 'lost')
      const changes = record(stream, 'transport')
      const [threat] = stream.poll(1)
      host.lost({ count: 1 })
      host.transport({ from: null, to: 'shm' })
      const { context } = threat
      const parts = [threat, context, context.a, context.a[0]]
      assert.deepEqual(
        parts.map(isFrozen),
        parts.map(() => isFreezing)
      )
      for (const value of [lists[0], losses[0], changes[0]]) {
        assert.equal(isFrozen(value), isFreezing)
      }
      await stream.close()
    })
  }

  it('however deep', () => {
    const all = openList(0, true)
    let deep = { end: {} }
    const { end } = deep
    for (let i = 0; i < 100_000; i++) deep = [deep]
    all.source.take = (_max, threats) => {
      threats.push({ sequence: 1, context: deep })
      return false
    }
    all.stream.poll(1)
    assert(isFrozen(end) && isFrozen(deep))
  })
})
