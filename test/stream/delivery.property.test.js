'use strict'
// Consumers that come and go while events are published, at random: each gets
// every event from the one on at which it came, once and in order, and the
// stream waits for who is slow. A failure prints the seed and the steps.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { openList } = require('../helpers/list-source.js')
const { numbers } = require('../helpers/sequences.js')
const { turn } = require('../helpers/wait.js')

const SEED = 20_261_129
const RUNS = 100
// What an iterator keeps, and what poll() takes unless it is told.
const KEPT = 256

/** One consumer as the model knows it: what it got, and whether it is over. */
class Got {
  constructor(from) {
    this.from = from
    this.sequences = []
    this.isOver = false
  }

  add({ sequence }) {
    assert.equal(sequence, this.sequences.at(-1) + 1 || sequence)
    assert(!this.isOver, 'nothing comes behind the end')
    this.sequences.push(sequence)
  }
}

class Run {
  constructor() {
    Object.assign(this, openList(0))
    this.all = []
    this.ways = []
  }

  consumer() {
    const got = new Got(this.source.taken)
    this.all.push(got)
    return got
  }

  on() {
    const got = this.consumer()
    const hear = (threat) => got.add(threat)
    this.stream.on('threat', hear)
    this.ways.push(() => this.stream.off('threat', hear), got)
  }

  onBatches() {
    const got = this.consumer()
    const hear = (list) => {
      assert(list.length > 0)
      for (const threat of list) got.add(threat)
    }
    this.stream.on('threats', hear)
    this.ways.push(() => this.stream.off('threats', hear), got)
  }

  poll(max) {
    const before = this.stream.stats().received
    const list = this.stream.poll(max)
    assert(list.length <= max)
    assert.equal(this.stream.stats().received, before + list.length)
  }
}

const STEPS = {
  publish: (run, count) => {
    run.source.count += count
    run.host.wake()
  },
  // A source may say so for nothing.
  wake: (run) => run.host.wake(),
  on: (run) => run.on(),
  onBatches: (run) => run.onBatches(),
  pollThreats: (run, isSlow) => {
    const got = run.consumer()
    const controller = new AbortController()
    const { signal } = controller
    got.pending = []
    run.stream.pollThreats(
      (threat) => {
        got.add(threat)
        if (!isSlow) return undefined
        assert.equal(got.pending.length, 0, 'it is awaited')
        return new Promise((resolve) => {
          got.pending.push(resolve)
        })
      },
      { signal }
    )
    run.ways.push(() => controller.abort(), got)
  },
  answer: (run) => {
    for (const { pending = [] } of run.all) {
      for (const resolve of pending.splice(0)) resolve()
    }
  },
  iterate: (run) => {
    const got = run.consumer()
    got.iterator = run.stream[Symbol.asyncIterator]()
    run.ways.push(() => got.iterator.return(), got)
  },
  next: (run) => {
    for (const got of run.all) {
      if (got.iterator === undefined) continue
      got.iterator.next().then(({ value, done }) => {
        if (!done) got.add(value)
      })
    }
  },
  leave: (run, which) => {
    const at = 2 * (which % Math.max(1, run.ways.length / 2))
    const [leave, got] = run.ways.splice(at, 2)
    if (leave === undefined) return
    leave()
    got.isOver = true
  },
  poll: (run, max) => run.poll(max),
  turn: async () => {
    await turn()
    await turn()
  }
}

const step = (weight, name, value = fc.constant(undefined)) => ({
  weight,
  arbitrary: fc.tuple(fc.constant(name), value)
})
const steps = fc.array(
  fc.oneof(
    step(8, 'publish', fc.oneof(fc.nat(5), fc.nat(40), fc.nat(300))),
    step(1, 'wake'),
    step(2, 'on'),
    step(2, 'onBatches'),
    step(2, 'pollThreats', fc.boolean()),
    step(4, 'answer'),
    step(2, 'iterate'),
    step(6, 'next'),
    step(2, 'leave', fc.nat(9)),
    step(3, 'poll', fc.integer({ min: 1, max: 600 })),
    step(8, 'turn')
  ),
  { minLength: 3, maxLength: 60, size: 'max' }
)

/** All that was delivered, and all that came. */
const countOf = ({ all, stream }) =>
  all.reduce((sum, got) => sum + got.sequences.length, stream.stats().received)

/** Whoever waits for an answer gets it, until nothing more comes. */
async function settle(run) {
  let still = 0
  for (let i = 0; still < 3; i++) {
    assert(i < 1000, 'it never comes to its end')
    const before = countOf(run)
    for (let more = 0; more < 50; more++) {
      STEPS.answer(run)
      STEPS.next(run)
      await null
    }
    await turn()
    still = countOf(run) === before ? still + 1 : 0
  }
}

describe('a stream and its consumers, property', () => {
  it('each event once and in order, and all of them to who stays', async () => {
    let total = 0
    let runs = 0
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        const run = new Run()
        for (const [name, value] of list) await STEPS[name](run, value)
        await settle(run)
        const { received } = run.stream.stats()
        const waits = run.ways.length > 0
        if (waits) {
          assert.equal(received, run.source.count, 'nothing is left')
        }
        for (const got of run.all) {
          const [first] = got.sequences
          const last = got.sequences.at(-1)
          if (first === undefined) continue
          assert(first <= run.source.count)
          assert.deepEqual(got.sequences, numbers(first, last))
          // What was taken and not delivered when it came is its own, too.
          assert(first >= got.from - KEPT)
        }
        for (let i = 1; i < run.ways.length; i += 2) {
          const got = run.ways[i]
          if (got.sequences.length > 0) {
            assert.equal(got.sequences.at(-1), run.source.count)
          }
        }
        total += received
        runs++
        await run.stream.close()
        assert.equal(run.source.isHeld, false)
      }),
      { seed: SEED, numRuns: RUNS }
    )
    // `npm run fuzz` ends it when its time is over.
    assert(runs < RUNS || total > 1000, `only ${total} came`)
  })
})
