'use strict'
// The cursor of a client over WebSocket, moved at random through connects,
// cuts, gaps, generations and restarts. A failure prints the seed and the
// steps; the seed is fixed, so that each run takes the same ways.

const assert = require('node:assert/strict')
const fc = require('fast-check')
const { Progress } = require('../../../lib/stream/positions.js')
const {
  StreamCursor
} = require('../../../lib/websocket/client/stream-cursor.js')
const {
  parseMessage,
  ProtocolError
} = require('../../../lib/websocket/protocol.js')
const { threatOf } = require('../../helpers/websocket-peer.js')
const {
  hex,
  ModelShield,
  ModelSubscriber,
  priorityUpTo
} = require('../../helpers/stream-model.js')

const SEED = 20_261_128

/** As it comes over a socket, and through the client's own checks. */
const parsed = (message) =>
  parseMessage(Buffer.from(JSON.stringify(message)), false)

/**
 * The oracle. Of each generation every sequence from where the client joined
 * is passed once and in order: in a threat, or in a loss.
 */
class Account {
  constructor() {
    this.next = new Map() // generation -> the sequence that is due
    this.joins = new Map() // generation -> the first one that was due
    this.received = 0
    this.lost = 0
    this.beforeJoin = 0
    this.unknown = new Set() // generations that may have more, uncounted
  }

  join(generation, next) {
    if (this.next.has(generation)) return
    this.next.set(generation, next)
    this.joins.set(generation, next)
  }

  pass(generation, from, to, kind) {
    assert.equal(from, this.next.get(generation), `${kind} of ${generation}`)
    this.next.set(generation, to + 1)
    this[kind] += to - from + 1
  }

  /** What one take() gave. */
  add(threats, loss) {
    for (const { sequence, details: generation } of threats) {
      this.pass(generation, sequence, sequence, 'received')
    }
    if (loss?.count === null) {
      // The chain is broken: an earlier one may have come back in between.
      for (const generation of this.next.keys()) this.unknown.add(generation)
    } else if (loss) {
      const { generation, from, to, reason } = loss
      const isBefore = reason === 'before-join'
      if (isBefore) assert.equal(this.received + this.lost, 0, 'comes first')
      this.pass(generation, from, to, isBefore ? 'beforeJoin' : 'lost')
    }
  }
}

/** A client, a Shield, and what is on its way between them. */
class Run {
  constructor(options) {
    this.shield = new ModelShield()
    this.shield.publish(3)
    this.account = new Account()
    this.options = options
    this.cursor = new StreamCursor({ ...options, progress: new Progress() })
    this.link = null // { subscriber, commands, messages }
    this.wasAbsent = false // no Shield was there when the client tried
    this.losses = [] // how many of each had priority
    this.joined = null // the log that it joined, and where its sequence was
    if (options.position) {
      const { generation, next } = options.position
      this.account.join(generation, next)
    }
  }

  connect() {
    if (this.link !== null) return
    if (!this.shield.isUp) {
      this.cursor.noteAbsence()
      this.wasAbsent = true
      return
    }
    const link = { commands: [], messages: [] }
    link.subscriber = new ModelSubscriber(this.shield, (message) =>
      link.messages.push(message)
    )
    this.link = link
    link.commands.push(this.cursor.subscribe())
  }

  cut() {
    this.link = null
  }

  /** The server does what it was told, and sends what it has. */
  serve(most) {
    for (const command of this.link?.commands.splice(0) ?? []) {
      this.checkBeginning(command)
      this.link.subscriber.subscribe(command)
    }
    this.link?.subscriber.pump(most)
  }

  /** Without a position, a client that found no Shield wants all of the first
   * one that it finds. */
  checkBeginning({ from, generation }) {
    if (generation !== undefined) return
    const { from: wanted = 'latest' } = this.options
    const isNew = wanted === 'latest' && this.wasAbsent
    assert.equal(from, isNew ? 'start' : wanted)
  }

  /** Up to `count` messages reach the client. */
  deliver(count) {
    const { cursor, link } = this
    for (const message of link?.messages.splice(0, count) ?? []) {
      const complete = { heartbeatMs: 1000, ...message }
      const { generation, next, sequence } = message
      if (!cursor.accept(parsed(complete), 10)) {
        this.cut()
        return
      }
      if (next !== undefined) {
        this.account.join(generation, next)
        this.joined ??= { generation, sequence }
      }
    }
  }

  take(max) {
    const threats = []
    const loss = this.cursor.take(max, threats)
    assert(threats.length <= max)
    assert(loss === null || threats.length === 0)
    this.account.add(threats, loss)
    this.checkJoin(loss)
    this.checkPriority(threats, loss)
    this.checkPosition()
    return threats.length > 0 || loss !== null
  }

  /** What was gone before a client joined from the oldest is no loss; all that
   * was published since is one. */
  checkJoin(loss) {
    const { received, lost, beforeJoin, unknown } = this.account
    const sum = received + lost + beforeJoin
    const isFirst = sum === (loss?.count ?? 0) && unknown.size === 0
    if (this.options.from !== 'oldest' || loss === null || !isFirst) return
    const { generation, sequence } = this.joined
    if (loss.generation !== generation || loss.reason === 'replaced') return
    const isBefore = loss.reason === 'before-join'
    assert(isBefore ? loss.to <= sequence : loss.from > sequence, loss.reason)
  }

  /** How many priority events were lost, and are before each of what was taken,
   * where it says so: always behind an event, never what is wrong. */
  checkPriority(threats, loss) {
    const { cursor } = this
    threats.forEach(({ sequence, details: generation }, i) => {
      const before = { generation, sequence: sequence - 1 }
      const counted = cursor.priorityBehind(before)
      if (i > 0) assert.notEqual(counted, null)
      if (counted !== null) assert.equal(counted, priorityUpTo(sequence - 1))
      assert.equal(
        cursor.priorityBehind({ generation, sequence }),
        priorityUpTo(sequence)
      )
    })
    if (loss !== null) {
      const { from, to, priority } = loss
      this.losses.push(priority)
      if (priority !== null) {
        assert.equal(priority, priorityUpTo(to) - priorityUpTo(from - 1))
      }
    }
  }

  /** It stands behind what was taken, and in front of what was not. */
  checkPosition() {
    const { position, queue } = this.cursor
    const counted = position?.priority ?? null
    if (counted !== null) assert.equal(counted, priorityUpTo(position.next - 1))
    if (position === null || queue.length > 0) return
    const { generation, next } = position
    assert.equal(next, this.account.next.get(generation))
  }

  stop() {
    this.shield.isUp = false
    this.cut()
  }

  /** Everything arrives and is taken. */
  settle() {
    this.shield.isUp = true
    this.shield.publish(5)
    for (let idle = 0; idle < 3;) {
      this.connect()
      this.serve(100)
      const isIdle = this.link.messages.length === 0
      this.deliver(Infinity)
      let took = false
      while (this.take(100)) took = true
      idle = isIdle && !took ? idle + 1 : 0
    }
  }

  checkEnd() {
    const { account, shield } = this
    const { generation, sequence } = shield.log
    assert.equal(account.next.get(generation), sequence + 1, 'the last one')
    assert.deepEqual(this.cursor.position, {
      generation,
      next: sequence + 1,
      priority: priorityUpTo(sequence)
    })
    assert.equal(this.cursor.arrived, sequence)
    let published = 0 // since it joined, and with what was gone before
    for (const [one, next] of account.next) {
      const join = account.joins.get(one)
      const end = Math.max(shield.logs.get(one).sequence + 1, join)
      const isWhole = next === end || (next < end && account.unknown.has(one))
      assert(isWhole, `${one} ends at ${next - 1} and not at ${end - 1}`)
      published += next - join
    }
    const { received, lost, beforeJoin } = account
    assert.equal(received + lost, published - beforeJoin)
  }
}

const few = fc.integer({ min: 1, max: 5 })
const knowledge = fc.constantFrom('exact', 'exact', 'vague', 'none')
const step = (weight, name, ...values) => ({
  weight,
  arbitrary: fc.tuple(fc.constant(name), ...values)
})
const STEPS = {
  connect: (run) => run.connect(),
  cut: (run) => run.cut(),
  serve: (run, most) => run.serve(most),
  deliver: (run, count) => run.deliver(count),
  take: (run, max) => run.take(max),
  publish: (run, count) => run.shield.isUp && run.shield.publish(count),
  forget: (run, count) => run.shield.forget(count),
  replace: (run, known) => run.shield.isUp && run.shield.replace(known),
  stop: (run) => run.stop(),
  start: (run, [how, known]) => {
    if (run.shield.isUp) return
    run.shield.isUp = true
    if (how === 'another') run.shield.replace(known)
    else if (how === 'same') run.shield.takeOver()
    else run.shield.comeBack(known)
  }
}
const how = fc.constantFrom('another', 'same', 'earlier')
const steps = fc.array(
  fc.oneof(
    step(8, 'connect'),
    step(3, 'cut'),
    step(10, 'serve', few),
    step(10, 'deliver', few),
    step(8, 'take', few),
    step(8, 'publish', few),
    step(3, 'forget', few),
    step(2, 'replace', knowledge),
    step(2, 'stop'),
    step(4, 'start', fc.tuple(how, knowledge))
  ),
  { minLength: 5, maxLength: 120, size: 'max' }
)
const begin = fc.constantFrom(
  {},
  { from: 'oldest' },
  { from: 2 },
  { position: { generation: hex(1), next: 2 } }
)

// --- A server that lies ------------------------------------------------------

const generations = fc.constantFrom(hex(1), hex(1), hex(1), hex(2), hex(3))
/** Beside the sequence that is due, mostly none. */
const offset = fc.oneof(
  { weight: 12, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: -3, max: 3 }) },
  { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) }
)
const reasons = fc.constantFrom(
  ...['overwritten', 'replaced', 'replaced', 'before-join', 'corrupt']
)
const LIES = {
  status: (due, generation, [beside, has]) => ({
    type: 'status',
    generation,
    sequence: 9,
    heartbeatMs: 1000,
    next: has ? due + beside : undefined
  }),
  threat: (due, generation, list) => ({
    type: 'threat',
    generation,
    threats: list.map((beside, i) =>
      threatOf(due + i + beside, { details: generation })
    )
  }),
  lost: (due, generation, [beside, length, reason, isKnown]) => ({
    type: 'lost',
    generation,
    reason,
    count: isKnown ? length : null,
    from: isKnown ? due + beside : null,
    to: isKnown ? due + beside + length - 1 : null
  }),
  heartbeat: (_due, generation) => ({
    type: 'heartbeat',
    generation,
    sequence: 5
  }),
  future: (_due, generation) => ({ type: 'future', generation, threats: 5 })
}
const lies = fc.array(
  fc.oneof(
    step(6, 'status', generations, fc.tuple(offset, fc.boolean())),
    step(8, 'threat', generations, fc.array(offset, { maxLength: 3 })),
    step(6, 'lost', generations, fc.tuple(offset, few, reasons, fc.boolean())),
    step(1, 'heartbeat', generations),
    step(1, 'future', generations),
    step(2, 'reconnect'),
    step(5, 'take', few)
  ),
  { minLength: 5, maxLength: 100, size: 'max' }
)

/** What a client makes of lies; each that it sees costs the connection. */
function believe(options, list) {
  const cursor = new StreamCursor({ ...options, progress: new Progress() })
  const account = new Account()
  const connect = () => {
    const { from, generation } = cursor.subscribe()
    // Behind all that came, and no further.
    if (generation !== undefined) assert.equal(from, cursor.arrived + 1)
  }
  const take = (max) => {
    const threats = []
    const loss = cursor.take(max, threats)
    const [first] = threats
    // Where it joins, the server says.
    if (first) account.join(first.details, first.sequence)
    if (loss) account.join(loss.generation, loss.from ?? cursor.position.next)
    account.add(threats, loss)
    return threats.length > 0 || loss !== null
  }
  connect()
  for (const [name, value, more] of list) {
    if (name === 'take') {
      take(value)
    } else if (name === 'reconnect') {
      connect()
    } else {
      try {
        const message = LIES[name](cursor.arrived + 1, value, more)
        if (!cursor.accept(parsed(message), 10)) connect()
      } catch (error) {
        assert(error instanceof ProtocolError, error)
        connect()
      }
    }
  }
  while (take(5));
  return account
}

describe('WebSocket stream cursor', () => {
  it('F59 F60 F88 each sequence once and in order, received or lost', () => {
    let [rescued, known] = [0, 0]
    fc.assert(
      fc.property(begin, fc.boolean(), steps, (options, isUp, list) => {
        const run = new Run(options)
        run.shield.isUp = isUp
        for (const [name, value] of list) STEPS[name](run, value)
        run.settle()
        run.checkEnd()
        rescued += run.cursor.rescued
        known += run.losses.filter((priority) => priority !== null).length
      }),
      { seed: SEED, numRuns: 1000 }
    )
    // Or nothing was tested.
    assert(rescued > 100 && known > 500, `${rescued} and ${known}`)
  })

  it('F59 whatever a server says: nothing twice, nothing out of order', () => {
    let [received, lost] = [0, 0]
    fc.assert(
      fc.property(begin, lies, (options, list) => {
        const account = believe(options, list)
        received += account.received
        lost += account.lost
      }),
      { seed: SEED, numRuns: 1000 }
    )
    assert(received > 0 && lost > 0)
  })

  it('F59 behind the end of a generation nothing of it comes', () => {
    const cursor = new StreamCursor({ progress: new Progress() })
    const generation = hex(1)
    cursor.subscribe()
    const tell = (name, more) =>
      cursor.accept(parsed(LIES[name](cursor.arrived + 1, generation, more)))
    tell('status', [0, true])
    tell('lost', [0, 3, 'replaced', true])
    assert.throws(() => tell('threat', [0]), ProtocolError)
    assert.throws(
      () => tell('lost', [0, 1, 'overwritten', true]),
      ProtocolError
    )
    tell('status', [0, true])
    tell('threat', [0])
    assert.equal(cursor.arrived, 4)
  })
})
