'use strict'
// kill -9 of writers and of readers at random instants: who is left accounts
// for every event that was published.

const fs = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')

const OPTIONS = {
  // So few that the slowest reliable reader fills it now and then.
  maxEvents: 256,
  overflow: 'reject',
  // Nobody stands still here, and the dead do not count.
  readerTimeoutMs: 60_000
}
const BURST = 100
const STANDBYS = 2

// When a writer and a reader die: so far apart at the most, in any order.
const SPREAD_MS = 20

// Four that live to the end and four that are killed and replaced: each of the
// ways to read, reliable and not, some of them slow. A `for await` takes in
// advance, and is told of a loss before it has come so far: it is reliable.
const READERS = [
  { way: 'threat', reliable: true },
  { way: 'iterate', reliable: true, pauseEvery: 1000, pauseMs: 40 },
  { way: 'threats', reliable: false },
  { way: 'poll', reliable: false, pauseEvery: 500, pauseMs: 40 }
]
const VICTIMS = [
  { way: 'threats', reliable: true },
  { way: 'poll', reliable: true, pauseEvery: 300, pauseMs: 1 },
  { way: 'threat', reliable: false },
  { way: 'threats', reliable: false }
]

const FILES = ['lock', 'readers', 'shm', 'space', 'wake']

class Kills {
  constructor(crowd, dir, progress) {
    this._crowd = crowd
    this._dir = dir
    this._progress = progress
    this._standbys = new Set()
    this._tookOver = null // gets who takes over next, and when
    this._writer = null
    this._victims = []
    this.takeOvers = [] // ns from the kill to the first publish
    this.locks = [] // ns from the kill to the lock
    this.readersKilled = 0
  }

  _startWriter() {
    const options = { ...OPTIONS, dir: this._dir }
    return this._crowd.start({ role: 'writer', options, burst: BURST })
  }

  async _startStandby() {
    const standby = this._startWriter()
    this._standbys.add(standby)
    standby.once('locked', (times) => this._tookOver({ standby, ...times }))
    await this._crowd.within(standby.told('waiting'), 'a standby that waits')
  }

  async _startReader({ reliable, ...pace }) {
    // Eight of them and more share a few CPUs.
    const options = { dir: this._dir, reliable, latency: 'idle' }
    const reader = this._crowd.start({ role: 'reader', options, ...pace })
    await this._crowd.within(reader.told('reading'), 'a reader')
    return reader
  }

  async run(kills) {
    const crowd = this._crowd
    this._writer = this._startWriter()
    await crowd.within(this._writer.told('locked'), 'the first writer')
    const start = (list) =>
      Promise.all(list.map((one) => this._startReader(one)))
    const readers = await start(READERS)
    this._victims = await start(VICTIMS)
    for (let i = 0; i < STANDBYS; i++) await this._startStandby()

    for (let i = 1; i <= kills; i++) {
      const which = Math.floor(Math.random() * VICTIMS.length)
      await Promise.all([this._killWriter(), this._killReader(which)])
      // To start a process takes a CPU for long, which no take-over is to be
      // blamed for.
      const [, reader] = await Promise.all([
        this._startStandby(),
        this._startReader(VICTIMS[which])
      ])
      this._victims[which] = reader
      this._progress(i)
    }

    const stopped = this._writer.told('last')
    this._writer.send({ stop: true })
    const { last, evicted } = await crowd.within(stopped, 'the last event')
    const all = [...readers, ...this._victims]
    const accounts = await Promise.all(
      all.map(async (reader, i) => {
        const told = reader.told('account')
        reader.send({ last })
        const { account } = await crowd.within(told, 'an account')
        const { way, reliable } = [...READERS, ...VICTIMS][i]
        return { ...account, way, reliable }
      })
    )
    await crowd.end()
    return { last, evicted, accounts, left: this._leftOver() }
  }

  async _killWriter() {
    await sleep(Math.random() * SPREAD_MS)
    const next = new Promise((resolve) => {
      this._tookOver = resolve
    })
    const killed = Number(process.hrtime.bigint())
    const dead = this._writer.kill()
    const { standby, locked, first } = await this._crowd.within(
      next,
      'a take-over'
    )
    await dead
    this.locks.push(locked - killed)
    this.takeOvers.push(first - killed)
    this._writer = standby
    this._standbys.delete(standby)
  }

  async _killReader(which) {
    await sleep(Math.random() * 2 * SPREAD_MS)
    await this._victims[which].kill()
    this.readersKilled++
  }

  /** Files that nobody cleans up. */
  _leftOver() {
    return fs
      .readdirSync(this._dir)
      .filter((name) => !FILES.includes(name.replace('kindly-guard.', '')))
  }
}

module.exports = { Kills }
