'use strict'
// The states of a client's failover: rings and servers come and go at random,
// their writers die, files are displaced. A failure prints the seed and the
// steps; the seed is fixed, so that each run takes the same ways.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { FailoverSource } = require('../../lib/client/failover.js')
const { Clock } = require('../helpers/clock.js')
const { fakeRing, fakeServer, World } = require('../helpers/failover-model.js')

const SEED = 20_261_128

/** A client of a World, and what it was given. */
class Run {
  constructor(options, clock, steps) {
    this.options = options
    this.clock = clock
    this.steps = steps
    this.world = new World()
    this.threats = []
    this.changes = []
    this.isConsumed = true
    this.isOver = false
  }

  open() {
    const { from, useRing, useServer } = this.options
    const { world } = this
    this.source = new FailoverSource(
      {
        ring: { from },
        useRing,
        findRing: () => world.findRing(),
        locate: useServer ? () => ({}) : null,
        handshakeTimeoutMs: 1000
      },
      {
        wake: () => this.drain(),
        lost: () => assert.fail('nothing is lost here'),
        failed: () => {
          // Without a server it ends who consumes, and that is the end.
          assert(!useServer)
          this.isOver = true
        },
        checked: () => this.source?.writerState(false),
        transport: (change) => this.changes.push(change),
        isConsumed: () => this.isConsumed
      },
      { RingSource: fakeRing(world), WebSocketSource: fakeServer(world) }
    )
    this.drain()
  }

  drain() {
    if (this.source === undefined) return
    if (!this.isConsumed || this.isDraining || this.isOver) return
    this.isDraining = true
    for (let looks = 0; !this.isOver; looks++) {
      assert(looks < 1000, 'it promises more for ever')
      const threats = []
      const more = this.source.take(3, threats)
      this.threats.push(...threats)
      if (threats.length === 0 && !more && !this.source.arm()) break
    }
    this.isDraining = false
  }

  /** The sources look: a poll thread at its file, a socket for its server. */
  look() {
    for (const source of [...this.world.sources]) source.look()
  }

  /** @param {string} name @param {unknown} value */
  step(name, value) {
    const { world } = this
    world.isJustLeft = false
    this.steps[name](this, value)
    assert.deepEqual(world.mistakes, [])
    if (this.source === undefined || this.isOver || !this.isConsumed) return
    for (const { isRead, isUnread } of world.sources) {
      assert(!isRead || !isUnread, 'nobody takes it')
    }
  }

  settle() {
    const { world } = this
    world.beforeLook = null
    if (!world.isLive || world.log !== world.file) {
      world.die()
      world.start({ hasRing: true, hasServer: true, isNew: true })
    }
    world.hasServer = true
    this.isConsumed = true
    this.drain()
    for (let i = 0; i < 100; i++) {
      this.step('look')
      this.step('tick', 1)
    }
    this.step('publish', 3)
    this.step('tick', 20)
  }

  /** Each event of a generation once, in order, and without a gap. */
  checkOrder() {
    const next = new Map()
    for (const { generation, sequence } of this.threats) {
      assert.equal(sequence, next.get(generation) ?? sequence)
      next.set(generation, sequence + 1)
    }
  }

  checkChanges() {
    let last = null
    for (const { from, to, reason } of this.changes) {
      assert.equal(from, last)
      assert.notEqual(to, from)
      assert.equal(typeof reason, 'string')
      last = to
    }
    assert.equal(this.source.transport, last)
  }

  checkEnd() {
    const { useRing } = this.options
    const { log } = this.world
    this.checkOrder()
    this.checkChanges()
    assert.equal(this.source.totals().bytes, this.threats.length)
    if (this.isOver) return
    assert.equal(this.source.transport, useRing ? 'shm' : 'websocket')
    assert.equal(this.source.writerState(true), 'live')
    const { generation, sequence } = this.threats.at(-1)
    assert.deepEqual([generation, sequence], [log.generation, log.count])
    const dropped = this.world.servers.filter(({ queue }) => queue.length > 0)
    assert.deepEqual(dropped, [], 'what came was not taken')
    const open = [...this.world.sources]
    assert.equal(open.length, 1, 'the standby is closed')
  }
}

const STEPS = {
  publish: ({ world }, count) => world.publish(count),
  start: ({ world }, how) => world.isLive || world.start(how),
  die: ({ world }) => world.die(),
  foreign: ({ world }) => world.makeForeignRing(),
  displace: ({ world }) => {
    world.file = null
  },
  makeRing: ({ world }) => {
    if (!world.isLive || (world.hasRing && world.file !== null)) return
    world.hasRing = true
    world.makeLog()
  },
  serverDown: ({ world }) => world.endServer(),
  serverUp: ({ world }) => {
    world.hasServer = world.isLive
  },
  breakRing: ({ world }, how) => {
    for (const source of world.sources) source[how] = true
  },
  duringLook: ({ world }, count) => {
    world.beforeLook = () => {
      world.publish(count)
      world.die()
    }
  },
  consume: (run, isConsumed) => {
    run.isConsumed = isConsumed
    run.drain()
  },
  look: (run) => run.look(),
  tick: (run, count) => {
    for (let i = 0; i < count; i++) run.clock.tick()
  }
}
const step = (weight, name, ...values) => ({
  weight,
  arbitrary: fc.tuple(fc.constant(name), ...values)
})
const few = fc.integer({ min: 1, max: 5 })
const steps = fc.array(
  fc.oneof(
    step(8, 'publish', few),
    step(
      6,
      'start',
      fc.record({
        hasRing: fc.boolean(),
        hasServer: fc.boolean(),
        isNew: fc.boolean()
      })
    ),
    step(3, 'die'),
    step(2, 'displace'),
    step(2, 'foreign'),
    step(3, 'makeRing'),
    step(2, 'serverDown'),
    step(3, 'serverUp'),
    step(1, 'breakRing', fc.constantFrom('isBroken', 'isMute')),
    step(2, 'duringLook', few),
    step(3, 'consume', fc.boolean()),
    step(10, 'look'),
    step(8, 'tick', few)
  ),
  { minLength: 3, maxLength: 60, size: 'max' }
)
const options = fc.record({
  from: fc.constantFrom('oldest', 'latest'),
  useRing: fc.constantFrom(true, true, true, false),
  useServer: fc.constantFrom(true, true, true, false)
})

describe('fail-over states', () => {
  let clock

  beforeEach(() => {
    clock = new Clock().install({ immediates: true })
  })

  afterEach(() => clock.restore())

  it('F60 never two at once, no event twice, and the ring in the end', () => {
    fc.assert(
      fc.property(options, steps, fc.nat(10), (how, list, opensAt) => {
        fc.pre(how.useRing || how.useServer)
        const run = new Run(how, clock, STEPS)
        clock.timers.clear()
        for (const [i, [name, value]] of list.entries()) {
          if (i === Math.min(opensAt, list.length - 1)) run.open()
          run.step(name, value)
        }
        run.settle()
        run.checkEnd()
      }),
      { seed: SEED, numRuns: 2000 }
    )
  })
})
