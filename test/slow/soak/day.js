'use strict'
// A day of an editor, hour by hour: quiet, somebody who types, bursts, windows
// that come and go, and in turn a Shield that begins again, one that is killed,
// one that stands still, and a flood.

const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { DAY_HOURS } = require('./judge.js')

const MAX_EVENTS = 4096
const FLOOD = 5 * MAX_EVENTS
const BURST = 200
const BURSTS = 5
const SINGLES = 8
const LEAKED_SHM = 64 * 1024

// Shares of an hour.
const QUIET = 0.35
const TYPING = 0.3
const STALLED = 0.1

/** Bytes that the files in a directory take. */
function bytesBelow(dir) {
  let sum = 0
  for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name)
    if (entry.isDirectory()) sum += bytesBelow(file)
    else sum += fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0
  }
  return sum
}

class Day {
  #crowd
  #base
  #hours
  #hourMs
  #leaks
  #dirs
  #steady = null // a Shield that lives all day, and begins again in its process
  #mortal = null // one that is killed
  #editor = null

  /**
   * @param {import('../stress/processes.js').Crowd} crowd
   * @param {string} base a directory for all
   * @param {{ minutes: number, days: number, leaks: string[] }} options
   */
  constructor(crowd, base, { minutes, days, leaks }) {
    this.#crowd = crowd
    this.#base = base
    this.#hours = days * DAY_HOURS
    this.#hourMs = (minutes * 60_000) / this.#hours
    this.#leaks = leaks
    this.#dirs = ['steady', 'mortal'].map((name) => path.join(base, name))
    this.wrong = []
    this.samples = [] // { hour, who, kind, value }
    this.counts = { visits: 0, restarts: 0, kills: 0, stalls: 0, floods: 0 }
  }

  async #ask(who, act, argument = {}) {
    const told = who.told(act)
    who.send({ act, ...argument })
    return (await this.#crowd.within(told, act))[act]
  }

  async #start(role, options) {
    const started = this.#crowd.start({ role, options })
    await this.#crowd.within(started.told('open'), `a ${role}`)
    return started
  }

  #startShield(which) {
    const options = { dir: this.#dirs[which], maxEvents: MAX_EVENTS }
    return this.#start('shield', options)
  }

  /** Both Shields write. */
  #write(order) {
    return Promise.all(
      [this.#steady, this.#mortal].map((one) => this.#ask(one, 'write', order))
    )
  }

  /** What happens once in four hours, in turn. */
  #events = [
    async () => {
      this.counts.restarts++
      await this.#ask(this.#steady, 'restart')
    },
    async () => {
      this.counts.kills++
      await this.#mortal.kill()
      await sleep(STALLED * this.#hourMs * Math.random())
      this.#mortal = await this.#startShield(1)
    },
    async () => {
      this.counts.stalls++
      process.kill(this.#mortal.pid, 'SIGSTOP')
      await sleep(STALLED * this.#hourMs)
      process.kill(this.#mortal.pid, 'SIGCONT')
    },
    async () => {
      this.counts.floods++
      const stalled = this.#ask(this.#editor, 'stall')
      await this.#write({ count: FLOOD })
      await stalled
    }
  ]

  async #visit(which) {
    this.counts.visits++
    const { wrong } = await this.#ask(this.#editor, 'visit', { which })
    this.wrong.push(...wrong.map((text) => `a visitor: ${text}`))
  }

  async #sample(hour) {
    const who = { editor: this.#editor, shield: this.#steady }
    for (const [name, one] of Object.entries(who)) {
      for (const [kind, value] of Object.entries(
        await this.#ask(one, 'sample')
      )) {
        if (value !== undefined) {
          this.samples.push({ hour, who: name, kind, value })
        }
      }
    }
    if (this.#leaks.includes('shm')) {
      const file = path.join(this.#dirs[0], `leaked-${hour}`)
      fs.writeFileSync(file, Buffer.alloc(LEAKED_SHM))
    }
    const value = bytesBelow(this.#base) / 2 ** 20
    this.samples.push({ hour, who: 'files', kind: 'shm', value })
  }

  async #hour(hour) {
    const begin = Date.now()
    await sleep(QUIET * this.#hourMs)
    await this.#sample(hour)
    const pauseMs = Math.ceil((TYPING * this.#hourMs) / SINGLES)
    await this.#write({ count: SINGLES, pauseMs })
    for (let i = 0; i < BURSTS; i++) await this.#write({ count: BURST })
    await this.#visit(hour % 2)
    // The other window comes while it happens.
    const event = this.#events[hour % this.#events.length]()
    await Promise.all([this.#visit((hour + 1) % 2), event])
    await sleep(Math.max(0, begin + this.#hourMs - Date.now()))
  }

  /**
   * @param {(hour: number) => void} progress
   * @returns {Promise<{ received: number, lost: number }[]>} of the resident
   *   clients, one for each Shield; what is wrong is in `wrong`
   */
  async run(progress) {
    this.#steady = await this.#startShield(0)
    this.#mortal = await this.#startShield(1)
    // Whoever visits in the first hour finds something.
    await this.#write({ count: BURST })
    const options = { dirs: this.#dirs, leaks: this.#leaks }
    this.#editor = await this.#start('editor', options)
    for (let hour = 0; hour < this.#hours; hour++) {
      await this.#hour(hour)
      progress(hour + 1)
    }
    const last = []
    for (const shield of [this.#steady, this.#mortal]) {
      last.push((await this.#ask(shield, 'sequence')).sequence)
    }
    const { all } = await this.#ask(this.#editor, 'accounts', { last })
    for (const [i, { wrong }] of all.entries()) {
      const name = path.basename(this.#dirs[i])
      this.wrong.push(...wrong.map((text) => `client of ${name}: ${text}`))
    }
    await this.#ask(this.#editor, 'close')
    return all
  }
}

module.exports = { Day }
