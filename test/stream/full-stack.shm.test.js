'use strict'
// Calls at the end of the stack: wherever it runs full, in here or in V8, what
// was written is written whole, and what is read is right.

const assert = require('node:assert/strict')
const { sourceOf } = require('../../lib/stream/threat-stream.js')
const { checkThreat } = require('../../lib/threat/check.js')
const { threat, useRing } = require('../helpers/ring.js')

/** Calls it at each depth of the stack, from the deepest on. What it calls has
 * run before: nothing is compiled where the stack is full. */
function atEachDepth(call) {
  let left = 500
  const dive = () => {
    try {
      dive()
    } catch {
      // The stack is full.
    }
    if (left > 0) {
      left--
      call()
    }
  }
  dive()
}

describe('a full stack', () => {
  const current = useRing()
  let shield
  let client

  beforeEach(() => {
    shield = current().writer({ maxEvents: 2 ** 16 })
    client = current().client()
  })

  /** What is left, once the stack is free. */
  function takeRest(taken) {
    while (sourceOf(client).take(0, taken));
    return taken
  }

  it('mixes up no texts and repeats no event', () => {
    const COUNT = 600
    const taken = []
    let failed = 0
    const take = () => {
      try {
        sourceOf(client).take(0, taken)
      } catch {
        failed++
      }
    }
    take()
    for (let round = 0; round < 5; round++) {
      const batch = Array.from({ length: COUNT }, (_, i) =>
        threat(`${round * COUNT + i + 1}`)
      )
      shield.writeThreats(batch)
      atEachDepth(take)
      takeRest(taken)
    }
    assert(failed > 0)
    let last = 0
    for (const { sequence, details } of taken) {
      assert.equal(details, `${sequence}`)
      assert(sequence > last, `${sequence} behind ${last}`)
      last = sequence
    }
    assert.equal(last, 5 * COUNT)
  })

  it('leaves no part of a batch behind', () => {
    const COUNT = 100
    let batches = 0
    let failed = 0
    // The first few are staged alone, which needs less of the stack.
    const recordsOf = (batch) =>
      Array.from({ length: COUNT }, (_, i) =>
        checkThreat(threat(`${batch}:${i}`, i === 1 ? { id: 'own' } : {}))
      )
    // Checked before: that would need as much of the stack.
    const all = Array.from({ length: 502 }, (_, batch) => recordsOf(batch))
    const write = () => {
      try {
        shield.publishAll(all[batches++])
      } catch {
        failed++
      }
    }
    write()
    atEachDepth(write)
    assert(failed > 0)
    write()
    const taken = takeRest([]).map(({ details }) => details)
    assert.equal(client.stats().lost, 0)
    assert.equal(taken.length % COUNT, 0)
    for (let i = 0; i < taken.length; i++) {
      const [batch] = taken[i - (i % COUNT)].split(':')
      assert.equal(taken[i], `${batch}:${i % COUNT}`)
    }
    assert.equal(taken.at(-1), `${batches - 1}:${COUNT - 1}`)
  })
})
