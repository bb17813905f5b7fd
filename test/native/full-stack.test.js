'use strict'
// Calls at the end of the stack: wherever it runs full, in here or in V8, what
// is read is right.

const assert = require('node:assert/strict')
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
    while (client._source.take(0, taken));
    return taken
  }

  it('mixes up no texts and repeats no event', () => {
    const COUNT = 600
    const taken = []
    let failed = 0
    const take = () => {
      try {
        client._source.take(0, taken)
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
})
