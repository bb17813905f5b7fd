'use strict'

const assert = require('node:assert/strict')
const { LossReport } = require('../../lib/cli/loss-report.js')
const { useClock } = require('../helpers/clock.js')

describe('what a bridge says of losses', () => {
  const clock = useClock()
  beforeEach(() => clock.begin())

  const loss = (from, count) => ({
    ...{ count, from, to: from + count - 1, priority: 0 },
    reason: 'overwritten'
  })

  it('the first at once, the others a second later, in one line', () => {
    const lines = []
    const losses = new LossReport((line) => lines.push(line))
    losses.note(loss(1, 5))
    assert.equal(lines.length, 1)
    assert.match(lines[0], /^lost 5 threats \(1 to 5\): /)
    losses.note(loss(10, 7))
    losses.note({ ...loss(20, 1), count: null })
    losses.note(loss(30, 2))
    clock.advance(999)
    assert.equal(lines.length, 1)
    clock.advance(1)
    assert.deepEqual(lines.slice(1), ['lost 9 threats more, in 3 gaps'])
    clock.advance(5000)
    losses.note(loss(40, 1))
    assert.equal(lines.length, 3)
    assert.match(lines[2], /^lost 1 threat \(40\): /)
  })

  it('what is not told yet is told at the end', () => {
    const lines = []
    const losses = new LossReport((line) => lines.push(line))
    losses.end()
    losses.note(loss(1, 5))
    losses.note(loss(10, 7))
    losses.end()
    losses.end()
    assert.deepEqual(lines.slice(1), ['lost 7 threats more, in 1 gaps'])
  })
})
