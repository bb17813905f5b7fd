'use strict'
// One process of a soak run: a Shield, or an editor with clients. It is told
// what it is by its first message, and what to do by the others.

const fs = require('node:fs')
const v8 = require('node:v8')
const vm = require('node:vm')
const { setTimeout: sleep } = require('node:timers/promises')
const { IpcFactory } = require('../../../lib/index.js')
const { Account, threatOf } = require('../stress/account.js')

const BATCH = 64
// Of the editor's event loop, while it is flooded: it is lapped.
const STALL_MS = 200
const PATIENCE_MS = 30_000
const BEFORE_JOIN = 'before-join'
const LEAK_BYTES = 256 * 1024

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

const leaked = []
/** What a fault in the package would do, to show that it is seen. */
const LEAKS = {
  heap: () => leaked.push(new Array(LEAK_BYTES / 8).fill(leaked.length)),
  rss: () => leaked.push(Buffer.alloc(8 * LEAK_BYTES, 1)),
  descriptors: () => leaked.push(fs.openSync(__filename))
}

/** What this process holds, garbage left out. */
async function sample() {
  collect()
  await sleep(20)
  collect()
  const { rss, heapUsed, external } = process.memoryUsage()
  const open = fs.existsSync('/proc/self/fd')
    ? fs.readdirSync('/proc/self/fd').length
    : undefined
  return {
    rss: rss / 2 ** 20,
    heap: (heapUsed + external) / 2 ** 20,
    descriptors: open
  }
}

// --- A Shield --------------------------------------------------------------

class Shield {
  #options
  #transport = null

  constructor(options) {
    this.#options = { ...options, websocket: { port: 0 } }
  }

  async open() {
    this.#transport = IpcFactory.createHybridTransport(this.#options)
    await this.#transport.ready()
    return { sequence: this.#transport.stats().sequence }
  }

  /** Ends and begins again, in this process. */
  async restart() {
    await this.#transport.close()
    return this.open()
  }

  /** So many threats, one by one with a pause behind each, or in batches. */
  async write({ count, pauseMs = 0 }) {
    let { sequence } = this.#transport.stats()
    const end = sequence + count
    while (sequence < end) {
      const size = pauseMs > 0 ? 1 : Math.min(BATCH, end - sequence)
      const batch = Array.from({ length: size }, (_, i) =>
        threatOf(sequence + 1 + i)
      )
      sequence += size
      this.#transport.writeThreats(batch)
      if (pauseMs > 0) await sleep(pauseMs)
    }
    return { sequence }
  }

  sequence() {
    return { sequence: this.#transport.stats().sequence }
  }

  sample() {
    return sample()
  }
}

// --- An editor -------------------------------------------------------------

/** A client with the account of all that it was told. */
class Reader {
  static async open(options) {
    const reader = new Reader()
    reader.client = await IpcFactory.createClient(options)
    reader.account = null
    reader.client.on('lost', (loss) => reader.#lose(loss))
    reader.client.on('threat', (threat) =>
      reader.#at(threat.sequence).threat(threat)
    )
    // Clients that lose their Shield say so; they find the next one.
    reader.client.on('error', () => {})
    return reader
  }

  /** It begins with the first thing that it is told. */
  #at(sequence) {
    this.account ??= new Account(sequence)
    return this.account
  }

  /** What was gone before it came is no loss of its own. */
  #lose(loss) {
    if (loss.reason === BEFORE_JOIN && this.account === null) {
      this.account = new Account(loss.to + 1)
    } else {
      this.#at(loss.from).loss(loss)
    }
  }

  get next() {
    return this.account?.next ?? 1
  }

  /** Has everything up to `last`; what is wrong. */
  async finish(last) {
    const end = Date.now() + PATIENCE_MS
    while (this.next <= last && Date.now() < end) await sleep(5)
    const { received, lost, corrupt } = this.client.stats()
    const wrong = this.account?.mismatches(last) ?? [`nothing of ${last} came`]
    const mine = [this.account?.received, this.account?.lost]
    if (received !== mine[0] || lost !== mine[1]) {
      wrong.push(`stats say ${received} and ${lost}, not ${mine.join(' and ')}`)
    }
    if (corrupt > 0) wrong.push(`${corrupt} slots were corrupt`)
    return { wrong, received, lost }
  }
}

class Editor {
  #dirs
  #leaks
  #residents = []

  constructor({ dirs, leaks }) {
    this.#dirs = dirs
    this.#leaks = leaks
  }

  async open() {
    for (const dir of this.#dirs) {
      this.#residents.push(await Reader.open({ dir, from: 'oldest' }))
    }
    return {}
  }

  /** A window that opens, hears of some events and goes. */
  async visit({ which }) {
    const options = { dir: this.#dirs[which], from: 'oldest' }
    const visitor = await Reader.open(options)
    const end = Date.now() + PATIENCE_MS
    const hasSome = () => visitor.account?.received > 0
    while (!hasSome() && Date.now() < end) await sleep(2)
    const account = await visitor.finish(visitor.next - 1)
    await visitor.client.close()
    for (const leak of this.#leaks) LEAKS[leak]?.()
    return account
  }

  /** Hears nothing for a while. */
  stall() {
    const end = Date.now() + STALL_MS
    while (Date.now() < end);
    return {}
  }

  /** What its resident clients got, up to the last sequence of each Shield. */
  async accounts({ last }) {
    const all = await Promise.all(
      this.#residents.map((reader, i) => reader.finish(last[i]))
    )
    if (this.#leaks.includes('account')) {
      all[0].wrong.push('the last event is missing')
    }
    return { all }
  }

  async close() {
    await Promise.all(this.#residents.map(({ client }) => client.close()))
    return {}
  }

  sample() {
    return sample()
  }
}

// ---------------------------------------------------------------------------

process.on('disconnect', () => process.exit(1))
process.once('message', async ({ role, options }) => {
  const actor = role === 'shield' ? new Shield(options) : new Editor(options)
  const act = async ({ act: name, ...argument }) => {
    try {
      process.send({ [name]: await actor[name](argument) })
    } catch (error) {
      process.send({ failed: `${role}, ${name}: ${error.stack}` })
    }
  }
  process.on('message', act)
  await act({ act: 'open' })
})
