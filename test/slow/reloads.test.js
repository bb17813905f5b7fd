'use strict'
// Windows of an editor in turn, each a process that goes on behind the position
// that the one before has saved, while a Shield in another process publishes.
// Some end well, some are killed at once behind a save, some at any moment. Every
// threat comes once or is told as lost, to the unit; what a window was given
// behind its last save comes again to the next one, and nothing else.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { PlatformShm } = require('../../lib/index.js')
const { useFactory } = require('../helpers/factory.js')
const { until, within } = require('../helpers/wait.js')

const TIMEOUT_MS = 300_000
const EVENTS = 256
// So few are rescued from what was overwritten that most come in whole batches.
const EVERY = 40

// What takes the threats, and how a window ends.
const CONSUMERS = ['threat', 'threats', 'promises', 'loop', 'poll']
const ENDS = ['closed', 'shot', 'killed']
// With both changing each time, each pair comes once in so many windows.
const PAIRS = CONSUMERS.length * ENDS.length
// Before each window of this number, the ring is overwritten as a whole, however
// soon windows follow each other here.
const FLOOD_EVERY = 7

const TRANSPORTS = {
  // A window is a process to be started, which is most of what this test takes.
  WebSocket: {
    windows: PAIRS + 2,
    transport: { preferShm: false, websocket: { port: false } }
  }
}
if (PlatformShm.isAvailable()) {
  TRANSPORTS['shared memory'] = {
    windows: 50,
    transport: { websocket: { enabled: false } }
  }
}

/** Publishes for ever; of so many threats, one is a Critical one. */
async function publish(state, { options, every }) {
  const shield = state.ipc.IpcFactory.createTransport(options)
  await shield.ready()
  state.shield = shield
  const write = () => {
    const sequence = shield.stats().sequence + 1
    shield.writeThreat({
      threatType: 'PathTraversal',
      severity: sequence % every === 0 ? 'Critical' : 'Low',
      source: 'reloads',
      details: `threat ${sequence}`
    })
  }
  state.write = (count) => {
    for (let i = 0; i < count; i++) write()
  }
  // What there is before the first window, which loses none of it.
  state.write(20)
  state.start = () => {
    state.timer = setInterval(() => state.write(3), 2)
  }
}

/** One window. What it is given it says at once, in the order of coming. */
async function main(ipc, { options, file, consumer, end, count }) {
  const { writeSync } = require('node:fs')
  const say = (value) => writeSync(1, `${JSON.stringify(value)}\n`)
  const client = await ipc.IpcFactory.createClient({
    ...options,
    after: { file },
    from: 'oldest'
  })
  client.on('error', ({ code }) => say({ error: code }))
  client.on('lost', (loss) => say({ loss }))
  let given = 0
  let saves = 0
  const enough = new Promise((resolve) => {
    client.taken = () => {
      given++
      if (given >= count && end === 'closed') resolve()
    }
  })
  const take = (threat) => {
    const { sequence, severity, details, priority } = threat
    say({ sequence, severity, details, priority })
    client.taken()
  }
  const save = () => {
    client.savePosition(file)
    say({ saves: ++saves })
  }
  /** Behind a threat or a list: saves at times, and what follows is too much. */
  const taken = () => {
    if (end !== 'closed' && given % 7 < 2) save()
    if (end === 'shot' && given >= count && saves > 0) {
      if (given % 2 === 0) save()
      process.kill(process.pid, 'SIGKILL')
    }
  }
  const each = (threat) => {
    take(threat)
    taken()
  }
  if (consumer === 'threat') {
    client.on('threat', each)
  } else if (consumer === 'threats') {
    client.on('threats', (batch) => {
      batch.forEach(take)
      taken()
    })
  } else if (consumer === 'promises') {
    client
      .pollThreats(async (threat) => {
        take(threat)
        await new Promise(setImmediate)
        taken()
      })
      .catch((error) => say({ error: error.message }))
  } else if (consumer === 'loop') {
    const loop = async () => {
      for await (const threat of client) each(threat)
    }
    loop().catch((error) => say({ error: error.message }))
  } else {
    setInterval(() => {
      for (let i = 0; i < 30; i++) {
        // One alone: what is lost is told before the list is there.
        const [threat] = client.poll(1)
        if (threat === undefined) break
        each(threat)
      }
    }, 1)
  }
  const timer = setInterval(() => {}, 1000)
  await enough
  // As an editor ends a window: in one turn of its own, and nothing is awaited.
  await new Promise(setImmediate)
  save()
  client.dispose()
  clearInterval(timer)
  process.exit(0)
}

/** What all windows were given, by the sequence that it is about. */
class Account {
  next = 1 // what the window begins with
  received = 0
  lost = 0
  priority = 0
  again = 0

  /**
   * @param {object[]} said by one window
   * @param {{ sequence: number, priority: number }} saved what its file has
   */
  add(said, saved) {
    let at = this.next
    for (const { error, loss, ...threat } of said) {
      assert.equal(error, undefined)
      if (loss === undefined && threat.sequence === undefined) continue
      const first = loss?.from ?? threat.sequence
      const last = loss?.to ?? threat.sequence
      assert.equal(first, at, 'every sequence, each once')
      at = last + 1
      // Nobody saves in the middle of a loss.
      assert(last <= saved.sequence || first > saved.sequence)
      if (last <= saved.sequence) this.#count(loss, threat)
      else this.again += last - first + 1
    }
    assert(at > saved.sequence, 'nothing is saved that was not delivered')
    assert.equal(this.priority, saved.priority)
    this.next = saved.sequence + 1
  }

  #count(loss, threat) {
    if (loss !== undefined) {
      assert.equal(loss.count, loss.to - loss.from + 1)
      this.lost += loss.count
      this.priority += loss.priority
      return
    }
    const { sequence, severity, details, priority } = threat
    this.received++
    this.priority += severity === 'Critical' ? 1 : 0
    assert.equal(details, `threat ${sequence}`)
    assert.equal(priority, Math.floor(sequence / EVERY))
    assert.equal(priority, this.priority)
  }
}

describe('windows that are reloaded', function () {
  this.timeout(TIMEOUT_MS)
  const { current } = useFactory()

  for (const [name, { windows, transport }] of Object.entries(TRANSPORTS)) {
    it(`${windows} of them over ${name}: exact to the unit`, async () => {
      const ring = current()
      const options = { dir: ring.dir, maxEvents: EVENTS, ...transport }
      const file = path.join(ring.dir, 'storage', 'position.json')
      const shield = ring.child()
      await shield.call(publish, { options, every: EVERY })
      const account = new Account()

      const open = async (more) => {
        const argument = { options, file, ...more }
        const program = ring.program(main, argument)
        if (more.end === 'killed') {
          const { count } = more
          const isDue = () =>
            program.stdout.includes('saves') &&
            program.stdout.split('\n').length > count
          await until(() => isDue() || !program.running, 'enough to be killed')
          await program.kill()
        }
        const { code, signal, stdout, stderr } = await within(
          program.exited,
          'the end of a window'
        )
        assert.equal(stderr, '')
        if (more.end === 'closed') assert.equal(code, 0)
        else assert.equal(signal, 'SIGKILL')
        // A line that was cut by the kill was not said.
        const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n')
        const said = lines.filter(Boolean).map((line) => JSON.parse(line))
        const saved = JSON.parse(fs.readFileSync(file, 'utf8'))
        const { again } = account
        account.add(said, saved)
        if (more.end === 'closed') assert.equal(account.again, again)
        return said
      }

      await open({ consumer: 'threat', end: 'closed', count: 20 })
      await shield.call((state) => state.start())
      for (let i = 1; i < windows - 1; i++) {
        if (i % FLOOD_EVERY === 0) {
          await shield.call((state, count) => state.write(count), 2 * EVENTS)
        }
        const consumer = CONSUMERS[i % CONSUMERS.length]
        await open({
          consumer,
          end: ENDS[i % ENDS.length],
          count: 30 + (i % 40)
        })
      }
      const published = await shield.call((state) => {
        clearInterval(state.timer)
        return state.shield.stats().sequence
      })
      // The rest, which the ring has, and what of it is lost already.
      while (account.next <= published) {
        const held = Math.min(EVENTS, published - account.next + 1)
        await open({ consumer: 'loop', end: 'closed', count: held })
      }
      assert.equal(account.received + account.lost, published)
      assert.equal(account.priority, Math.floor(published / EVERY))
      assert(account.lost > 0, 'some windows are away for too long')
      assert(account.again > 0, 'some are killed behind their last save')
    })
  }
})
