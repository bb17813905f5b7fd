'use strict'
// A client that is forced from one transport to the other and back while the
// Shield publishes, and is killed and restarted among it: every event comes
// once, or is told as lost, to the unit.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { useRing } = require('../helpers/ring.js')
const { sleep, until } = require('../helpers/wait.js')
const { OWN_DIRECTORY } = require('../helpers/system.js')

const SWITCHES = 100

/** Publishes for ever. Each threat says which one it is. */
async function publish(state, { dir, maxEvents }) {
  const shield = state.ipc.IpcFactory.createHybridTransport({
    dir,
    maxEvents,
    websocket: { port: 0 }
  })
  await shield.ready()
  let last = shield.stats()
  state.tell({ begun: last.generation, at: last.sequence })
  state.shield = shield
  state.timer = setInterval(() => {
    // Looks after the ring at once instead of twice a second.
    shield.isHealthy()
    for (let i = 0; i < 3; i++) {
      const { generation, sequence } = shield.stats()
      if (generation !== last.generation) {
        const { generation: ended, sequence: at } = last
        state.tell({ ended, at, then: generation })
      }
      const details = `${generation}-${sequence + 1}`
      shield.writeThreat({
        threatType: 'PathTraversal',
        severity: 'Low',
        source: 'switches',
        details
      })
      last = { generation, sequence: sequence + 1 }
    }
  }, 2)
}

/** Stops, and says what the last threat was. */
function stop(state) {
  clearInterval(state.timer)
  const { generation, sequence } = state.shield.stats()
  return { generation, sequence }
}

/** Removes a directory in which a Shield may be making its ring meanwhile. */
function remove(dir) {
  for (let tries = 1; ; tries++) {
    try {
      fs.rmSync(dir, { recursive: true, force: true })
      return
    } catch (error) {
      // The retries of rmSync() would not look at what came meanwhile.
      if (error.code !== 'ENOTEMPTY' || tries === 1000) throw error
    }
  }
}

/** Whether what it publishes goes into a ring. */
const hasRing = (state) => state.shield.isShmActive()

/** What Shields said of the end of each generation, by that. */
const endsOf = (messages) =>
  new Map(messages.map((message) => [message.ended, message]))

/** What a client was told, checked as it comes: in each generation every
 * sequence once and in order, in a threat or in a loss. */
class Account {
  constructor(client) {
    this.next = new Map() // generation -> the sequence that comes next
    this.unknown = new Set() // generations whose end nobody can know
    this.received = 0
    this.lost = 0
    this.wrong = []
    client.on('lost', (loss) => this._lose(loss))
    client.on('threat', (threat) => this._take(threat))
  }

  _take({ sequence, id, details }) {
    const [generation] = id.split('-')
    this.received++
    if (details !== id) this._mistake({ id, details })
    this._pass(generation, sequence, sequence)
  }

  _lose({ count, from, to, generation, reason }) {
    if (count === null) {
      this.unknown.add(generation)
      return
    }
    this.lost += count
    if (count !== to - from + 1) this._mistake({ count, from, to, reason })
    this._pass(generation, from, to)
  }

  _pass(generation, from, to) {
    const next = this.next.get(generation) ?? 1
    if (from !== next) this._mistake({ generation, from, to, next })
    this.next.set(generation, to + 1)
  }

  /**
   * From one generation to the next nothing may be left out, unless it was told
   * that nobody can know.
   * @param {{ ended?: string, at?: number, then?: string }[]} messages
   */
  assertChain(messages) {
    const ends = endsOf(messages)
    const seen = [...this.next.keys()]
    seen.forEach((generation, i) => {
      if (this.unknown.has(generation) || i === seen.length - 1) return
      let end = ends.get(generation)
      assert(end, `${generation} ended, and no Shield says so`)
      assert.equal(this.next.get(generation), end.at + 1, generation)
      // One in which nothing was published leaves no trace.
      while (ends.get(end.then)?.at === 0) end = ends.get(end.then)
      assert.equal(seen[i + 1], end.then, `behind ${generation}`)
    })
  }

  /**
   * The end of a generation is known by the next one, and unknown only to who
   * was so slow that it never saw that; or when it died with its Shield.
   * @param {{ ended?: string, at?: number, then?: string }[]} messages
   * @returns {string[]} the generations of which no Shield said the end
   */
  assertUnknown(messages) {
    const ends = endsOf(messages)
    const seen = [...this.next.keys()]
    const unknown = [...this.unknown]
    for (const generation of unknown.filter((one) => ends.has(one))) {
      const next = seen[seen.indexOf(generation) + 1]
      assert.notEqual(next, ends.get(generation).then, `behind ${generation}`)
    }
    return unknown.filter((one) => !ends.has(one))
  }

  _mistake(mistake) {
    // The first ones say what is wrong.
    if (this.wrong.length < 10) this.wrong.push(mistake)
  }
}

describe('F60 F59 a hundred switches under load', function () {
  this.timeout(300_000)
  const current = useRing()
  let home
  let before

  beforeEach(() => {
    // Where the discovery file goes while the ring's directory is away.
    before = process.env[OWN_DIRECTORY]
    home = fs.mkdtempSync(path.join(path.dirname(current().dir), 'kg-home-'))
    process.env[OWN_DIRECTORY] = home
  })

  afterEach(() => {
    if (before === undefined) delete process.env[OWN_DIRECTORY]
    else process.env[OWN_DIRECTORY] = before
    fs.rmSync(home, { recursive: true, force: true })
  })

  it('each event comes once or is told as lost', async () => {
    const ring = current()
    const away = `${ring.dir}.away`
    const maxEvents = 4096
    let shield = null
    let kills = 0
    const messages = []

    async function start() {
      shield = ring.child()
      await shield.call(publish, { dir: ring.dir, maxEvents })
    }
    async function kill() {
      kills++
      await shield.kill()
      messages.push(...shield.messages)
    }
    /** Puts something where the ring's directory was. A Shield that has made that
     * anew in between loses it. */
    function putInPlace(put) {
      for (let i = 0; ; i++) {
        try {
          put()
          return
        } catch {
          fs.renameSync(ring.dir, `${away}.${i}`)
          remove(`${away}.${i}`)
        }
      }
    }
    function takeAway() {
      fs.renameSync(ring.dir, away)
      putInPlace(() => fs.writeFileSync(ring.dir, ''))
    }
    function giveBack() {
      fs.unlinkSync(ring.dir)
      putInPlace(() => fs.renameSync(away, ring.dir))
    }

    await start()
    const client = ring.keep(
      await IpcFactory.createClient({ dir: ring.dir, from: 'oldest' })
    )
    const account = new Account(client)
    const changes = []
    client.on('transport', ({ to }) => changes.push(to))
    const switched = (to) =>
      until(() => changes.at(-1) === to, `a switch to ${to}`)
    const moved = () =>
      changes.filter((to) => to === 'shm' || to === 'websocket').length
    await switched('shm')

    let seed = 1
    const random = (below) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
      return (seed >> 8) % below
    }
    let rounds = 0
    while (moved() <= SWITCHES) {
      rounds++
      const { received } = account
      takeAway()
      await switched('websocket')
      await until(() => account.received > received, 'events over WebSocket')
      if (rounds % 12 === 0) {
        await kill()
        await start()
      }
      await sleep(random(40))
      giveBack()
      await switched('shm')
      if (rounds % 5 === 0) {
        // The ring that the client went back to may not be its Shield's yet.
        await until(() => shield.call(hasRing), 'a Shield with a ring')
        await kill()
        await sleep(random(20))
        await start()
      }
      if (rounds % 7 === 0) fs.unlinkSync(ring.file)
      await sleep(random(40))
    }

    const end = await shield.call(stop)
    messages.push(...shield.messages)
    const isDone = () => account.next.get(end.generation) === end.sequence + 1
    await until(isDone, `the last, ${end.generation}-${end.sequence}`)
    assert.deepEqual(account.wrong, [])
    account.assertChain(messages)
    // What a Shield published without a ring dies with it: one stream each.
    const died = account.assertUnknown(messages)
    assert(died.length <= kills, died.join())
    assert(account.received > 1000, `${account.received} received`)
    const { received, lost } = client.stats()
    assert.deepEqual([received, lost], [account.received, account.lost])
  })
})
