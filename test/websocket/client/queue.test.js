'use strict'
// What waits for a client is held; what was taken is not.

const assert = require('node:assert/strict')
const v8 = require('node:v8')
const vm = require('node:vm')
const { turn } = require('../../helpers/wait.js')
const { ThreatQueue } = require('../../../lib/websocket/client/queue.js')

const GENERATION = '0123456789abcdef'
const WAITING = 600

describe('WebSocket queue', () => {
  it('F49 one that is never empty holds what waits, no more', async () => {
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc')
    const queue = new ThreatQueue()
    const threats = [] // weak references
    const push = (sequence) => {
      const threat = { sequence }
      threats.push(new WeakRef(threat))
      queue.push({ generation: GENERATION, threat, priority: 7 }, 100)
    }
    for (let i = 1; i <= WAITING; i++) push(i)
    for (let i = WAITING + 1; i <= 20_000; i++) {
      push(i)
      assert.equal(queue.peek().threat.sequence, i - WAITING)
      queue.shift()
      assert.equal(queue.length, WAITING)
    }
    // A weak reference holds what it was made of until the turn is over.
    await turn()
    collect()
    const held = threats.filter((one) => one.deref() !== undefined)
    assert(held.length <= 2 * WAITING, `${held.length} are held`)
    assert.deepEqual(queue.end(), {
      generation: GENERATION,
      next: 20_001,
      priority: 7
    })
  })
})
