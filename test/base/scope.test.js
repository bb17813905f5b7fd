'use strict'
// An emitter whose listeners run in the scope in which they were added.

const assert = require('node:assert/strict')
const { ScopedEmitter } = require('../../lib/base/scope.js')

describe('a scoped emitter', () => {
  for (const add of ['on', 'once', 'prependListener', 'prependOnceListener']) {
    it(`${add} of its own events gets the event and the listener`, () => {
      const emitter = new ScopedEmitter()
      const seen = []
      const listener = () => {}
      emitter[add]('newListener', (...values) => seen.push(values))
      emitter.on('threat', listener)
      assert.equal(seen.length, 1)
      const [[event, added]] = seen
      assert.equal(event, 'threat')
      assert.equal(added, listener)
    })
  }

  it('off of a listener that was added once', () => {
    const emitter = new ScopedEmitter()
    const listener = () => assert.fail('it was taken away')
    for (const event of ['threat', 'removeListener']) {
      emitter.once(event, listener)
      assert.deepEqual(emitter.listeners(event), [listener])
      emitter.off(event, listener)
      assert.equal(emitter.listenerCount(event), 0)
    }
    emitter.emit('threat', 1)
  })
})
