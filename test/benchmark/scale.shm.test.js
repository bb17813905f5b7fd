'use strict'
// The programs of `npm run bench:scale`: each reader verifies and accounts for
// all it gets, and a wrong event or account is an error. Times are not asserted.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const { runCore } = require('../../bench/programs.js')
const { checkAccounts, figuresOf } = require('../../bench/scale.js')
const { coreOf, THIS } = require('../../bench/sides.js')
const { SCENARIOS } = require('../../bench/plan.js')

const BURST = 10_000
const WARM_UP = 2
const SINGLES = 5

const scale = (readers, slots, pauseUs, damage) =>
  runCore(THIS, 'scale', [readers, 3, SINGLES, slots, pauseUs], damage)

describe('bench: many readers, and a large ring', function () {
  // It compiles, and a busy machine wakes its readers late.
  this.timeout(180_000)

  before(() => {
    execFileSync('make', ['-s', '-C', coreOf(THIS)], { stdio: 'inherit' })
  })

  it('readers that sleep get all of it', async () => {
    const printed = await scale(5, 16_384, 0)
    assert.equal(printed.bursts, 3)
    assert.equal(printed.published, (WARM_UP + 3) * BURST + SINGLES)
    assert.equal(printed.readers.length, 5)
    for (const { received, lost, p50, p99, max } of printed.readers) {
      assert.deepEqual([received, lost], [printed.published, 0])
      assert.ok(0 < p50 && p50 <= p99 && p99 <= max)
    }
    assert.equal(figuresOf(printed, false).lostPercent, 0)
  })

  it('a writer without readers wakes nobody', async () => {
    const { bells, readers, ns, meanNs } = await scale(0, 16_384, 0)
    assert.deepEqual([bells, readers], [0, []])
    assert.ok(ns > 0 && meanNs > 0)
  })

  it('readers slower than the ring account for what they lost', async () => {
    const printed = await scale(3, 1024, 5000)
    for (const { received, lost } of printed.readers) {
      assert.equal(received + lost, printed.published)
      // Of single events none is lost, nor what the ring holds.
      assert.ok(received >= SINGLES && lost > 0)
    }
    const { lostPercent } = figuresOf(printed, true)
    assert.ok(lostPercent > 0 && lostPercent < 100)
  })

  it('the largest ring is filled, lapped and read', async () => {
    const slots = 4096
    const printed = await runCore(THIS, 'large_ring', [slots])
    const overwritten = slots + 1000
    // Each hundredth of 997 threats is Critical, and the lane still has it.
    const places = Array.from({ length: overwritten }, (_, i) => i % 997)
    const kept = places.filter((place) => (place + 1) % 100 === 0).length
    assert.deepEqual(
      [printed.slots, printed.received, printed.lost],
      [slots, slots + kept, overwritten - kept]
    )
    for (const name of ['fileMb', 'writerMb', 'readerMb', 'mappedMb']) {
      assert.ok(printed[name] > 0, name)
    }
    assert.ok(printed.fileMb >= (slots * 384) / 2 ** 20)
  })

  it('an event that is wrong ends the run', async () => {
    for (const damaged of [
      () => scale(2, 16_384, 0, 'details'),
      () => runCore(THIS, 'large_ring', [4096], 'details')
    ]) {
      await assert.rejects(damaged, /event \d+ is not what was sent/)
    }
  })

  it('an account that does not add up, or a wrong loss, is an error', () => {
    const reader = { received: 7, lost: 3, p50: 1, p99: 2, max: 3 }
    const of = (...readers) => ({ published: 10, ns: 1, readers })
    assert.equal(checkAccounts(of(reader, reader)), 6)
    assert.throws(
      () => checkAccounts(of(reader, { ...reader, lost: 4 })),
      /reader 1: received 7 \+ lost 4 is not the 10 that were published/
    )
    assert.throws(() => figuresOf(of(reader), false), /3 events were lost/)
    const whole = { ...reader, received: 10, lost: 0 }
    assert.throws(() => figuresOf(of(whole), true), /0 events were lost/)
    assert.equal(figuresOf(of(reader, whole), true).lostPercent, 15)
  })

  it('both are scenarios of npm run bench', () => {
    const { scripts } = JSON.parse(fs.readFileSync('package.json', 'utf8'))
    const [, names] = /--only (\S+)$/.exec(scripts['bench:scale'])
    assert.deepEqual(names.split(','), ['scale', 'large-ring'])
    for (const name of names.split(',')) assert.ok(SCENARIOS.includes(name))
  })
})
