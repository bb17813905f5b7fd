'use strict'
// One process of a mutator run: the Shield, a client, the one who damages the
// ring's files, or a control that has the same load and not this package. It is
// told what it is by its first message.

const { setTimeout: sleep } = require('node:timers/promises')
const { CAPACITY, Damage } = require('./damage.js')
const { Stalls } = require('./stalls.js')

const BURST = 8
const PAUSE_MS = 3

const tell = (message) => process.send(message)

/** Answers of a role, by what it is asked. */
const answers = {}

// --- The Shield ------------------------------------------------------------

// What a writer whose ring is damaged under its hands is told, until it has
// another.
const EXPECTED = new Set([
  ...['ERR_RING_FULL', 'ERR_RING_TRUNCATED', 'ERR_RING_LOCKED'],
  ...['ERR_NO_RING', 'ERR_UNSAFE_PATH']
])

const threatOf = (details) => ({
  threatType: 'PathTraversal',
  // Some have priority.
  severity: details.endsWith('7') ? 'Critical' : 'Low',
  source: 'mutator',
  details,
  blocked: false,
  // Some take more than one slot.
  context: details.endsWith('0') ? 'c'.repeat(700) : undefined
})

async function beShield({ dir }) {
  const { IpcFactory } = require('../../../lib/index.js')
  const shield = IpcFactory.createHybridTransport({
    dir,
    maxEvents: CAPACITY,
    overflow: 'reject',
    readerTimeoutMs: 500,
    websocket: { port: 0 }
  })
  const refused = {}
  let words = 'load'
  let isWriting = true
  shield.on('error', () => {})
  await shield.ready()

  /** Whether it was published. */
  function write(details) {
    try {
      shield.writeThreat(threatOf(details))
      return true
    } catch (error) {
      if (!EXPECTED.has(error.code)) throw error
      refused[error.code] = (refused[error.code] ?? 0) + 1
      return false
    }
  }

  answers.settle = () => {
    words = 'settle'
  }
  answers.fresh = async (count) => {
    isWriting = false
    await sleep(10 * PAUSE_MS)
    for (let i = 1; i <= count; i++) {
      while (!write(`fresh ${i}`)) await sleep(PAUSE_MS)
      if (i % BURST === 0) await sleep(PAUSE_MS)
    }
    tell({ written: { refused, published: shield.stats().published } })
  }
  tell({ ready: true })
  for (let i = 0; isWriting; i++) {
    for (let n = 0; n < BURST; n++) write(`${words} ${i}`)
    await sleep(PAUSE_MS)
  }
}

// --- A client --------------------------------------------------------------

const CLIENTS = {
  ring: ({ dir }, { ShmClient }) => new ShmClient({ dir }),
  reliable: ({ dir }, { ShmClient }) => new ShmClient({ dir, reliable: true }),
  either: ({ dir }, { IpcFactory }) => IpcFactory.createClient({ dir }),
  websocket: ({ dir }, { IpcFactory }) =>
    IpcFactory.createClient({ dir, preferShm: false })
}

async function beClient(order) {
  const client = await CLIENTS[order.way](
    order,
    require('../../../lib/index.js')
  )
  const fresh = { received: 0, lost: 0, wrong: [] }
  let isSettled = false
  let wanted = Infinity
  client.on('error', () => {})
  const finish = () => {
    tell({ account: { ...fresh, stats: client.stats() } })
  }
  client.on('threat', ({ details, source }) => {
    const [word, number] = details.split(' ')
    if (source !== 'mutator') return
    if (word === 'settle' && !isSettled) {
      isSettled = true
      tell({ settled: true })
    } else if (word === 'fresh') {
      fresh.received++
      const next = fresh.received + fresh.lost
      if (Number(number) !== next) {
        fresh.wrong.push(`fresh ${number} came where ${next} belongs`)
      }
      if (Number(number) === wanted) finish()
    }
  })
  client.on('lost', ({ count }) => {
    // What was lost in front of the stretch is of the time before.
    if (fresh.received > 0) fresh.lost += count ?? NaN
  })
  answers.account = (count) => {
    wanted = count
    if (fresh.received + fresh.lost >= count) finish()
  }
  tell({ ready: true })
}

// --- Nobody of ours --------------------------------------------------------

/** What a client does with as many events, without a client. */
async function beControl() {
  tell({ ready: true })
  for (;;) {
    for (let i = 0; i < BURST; i++) {
      JSON.parse(JSON.stringify(threatOf(`${i}`)))
    }
    await sleep(PAUSE_MS)
  }
}

async function beMutator({ dir, seed, seconds }) {
  const damage = new Damage(dir, seed)
  tell({ ready: true })
  await new Promise((resolve) => {
    answers.go = resolve
  })
  const until = performance.now() + seconds * 1000
  while (performance.now() < until) {
    for (let some = damage.below(4); some >= 0; some--) damage.act()
    await sleep(damage.below(6))
  }
  damage.tidy()
  tell({ damaged: damage.counts })
}

// ---------------------------------------------------------------------------

const ROLES = {
  shield: beShield,
  client: beClient,
  control: beControl,
  mutator: beMutator
}

process.on('disconnect', () => process.exit(1))
process.once('message', (order) => {
  const stalls = new Stalls()
  answers.measure = () => stalls.begin()
  answers.stalls = () => tell({ stalls: stalls.longest })
  process.on('message', (message) => {
    for (const [name, value] of Object.entries(message)) answers[name](value)
  })
  ROLES[order.role](order).catch((error) => tell({ failed: error.stack }))
})
