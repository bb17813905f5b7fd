'use strict'
// What was published lately is held for clients; what is over is not.

const assert = require('node:assert/strict')
const { MemoryHistory } = require('../../lib/shield/memory-history.js')

const GENERATION = '0123456789abcdef'

describe('memory of WebSocket', () => {
  const fields = (details) => ({
    type: 0,
    severity: 1,
    blocked: false,
    timestampUs: 1,
    source: '',
    details
  })

  it('F49 a log without a ring lets go of what a ring would overwrite', () => {
    const setup = { generation: GENERATION, capacity: 1024, predecessor: null }
    const log = new MemoryHistory(setup)
    const large = fields('d'.repeat(80_000))
    for (let i = 1; i <= 2000; i++) log.append([large])
    // Of the last 1024 sequences, each has a place of its own.
    const held = Array.from({ length: 1024 }, (_, i) =>
      log.text(log.sequence - i)
    ).filter((text) => text !== undefined)
    assert.equal(held.length, log.sequence - log.oldest + 1)
    assert(held.length <= 4, `${held.length} held`)
    const { losses, texts } = log.cursor(1).read(10)
    assert.equal(losses[0].to, log.oldest - 1)
    assert.equal(texts.length, held.length)
  })

  it('F6 a log whose sequences are used up refuses, and stays as it was', () => {
    const log = new MemoryHistory({
      generation: GENERATION,
      capacity: 1024,
      predecessor: null,
      sequence: Number.MAX_SAFE_INTEGER - 2
    })
    const full = { code: 'ERR_SEQUENCE_EXHAUSTED' }
    const some = (count) => new Array(count).fill(fields('x'))
    assert.throws(() => log.append(some(3)), full)
    assert.equal(log.append(some(2)).texts.length, 2)
    assert.throws(() => log.append(some(1)), full)
    assert.equal(log.sequence, Number.MAX_SAFE_INTEGER)
  })
})
