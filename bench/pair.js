'use strict'
// A sender and the receivers of one transport, each a process, and what is
// measured between them.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Control } = require('./control.js')

const CHILD = path.join(__dirname, 'child.js')

/** A place for one run. The ring belongs into memory, and so does it. */
function makeDirectory() {
  const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
  return fs.mkdtempSync(path.join(parent, 'kg-bench-'))
}

/**
 * Starts a program of the benchmark, for which subject.js is that side's
 * package; its failure is one of `remote`.
 */
function start(args, remote, side) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, KG_BENCH_PACKAGE: side.dir },
    stdio: ['ignore', 'inherit', 'inherit']
  })
  child.on('error', (error) => remote.fail(error))
  child.on('exit', (code, signal) => {
    if (code !== 0) {
      remote.fail(new Error(`${remote.name} ended: ${signal ?? code}`))
    }
  })
  return { child, ended: once(child, 'exit') }
}

class Pair {
  /**
   * @param {{ transport: string, readers?: number, kind?: string,
   *   mode?: string, damage?: string }} options `transport` is a file in
   *   transports/; what else they take goes along
   * @param {import('./sides.js').Side} side
   */
  static async open(options, side) {
    const pair = new Pair()
    pair._side = side
    const config = { readers: 1, mode: 'listen', ...options }
    config.dir = makeDirectory()
    pair._config = config
    pair._sent = 0
    pair._children = []
    pair._control = await Control.open(config.dir)
    try {
      await pair._start()
    } catch (error) {
      pair._kill()
      throw error
    }
    return pair
  }

  async _start() {
    const config = this._config
    const launch = (role, own, remote) => {
      const args = [CHILD, role, JSON.stringify(own)]
      this._children.push(start(args, remote, this._side))
    }
    this._sender = this._control.remote('sender')
    this._receivers = []
    for (let i = 0; i < config.readers; i++) {
      this._receivers.push(this._control.remote(`receiver ${i}`))
    }
    launch('sender', config, this._sender)
    const { forksReceivers } = require(`./transports/${config.transport}.js`)
    if (!forksReceivers) {
      const { place } = await this._placeOf(config)
      this._receivers.forEach((remote, index) =>
        launch('receiver', { ...config, place, index }, remote)
      )
    }
    await Promise.all(this._receivers.map((remote) => remote.hear('ready')))
    await this._sender.connected
    this._sender.say({ type: 'connect' })
    await this._sender.hear('ready')
  }

  /** Where to connect to, of the transports that do not know it before. */
  async _placeOf({ transport }) {
    const knows = ['shm', 'reliable', 'barest'].includes(transport)
    return knows ? {} : this._sender.hear('place')
  }

  async _expect(count, timed) {
    const first = this._sent
    const last = first + count
    this._sent = last
    for (const receiver of this._receivers) {
      receiver.say({ type: 'expect', last, timed })
    }
    await Promise.all(this._receivers.map((remote) => remote.hear('expecting')))
    return { first, last }
  }

  /** The results of all receivers, which have all and lost nothing. */
  async _results(last, longerMs) {
    const results = await Promise.all(
      this._receivers.map((remote) => remote.hear('received', longerMs))
    )
    for (const { received, lost } of results) {
      if (received !== last || lost !== 0) {
        throw new Error(`received ${received} of ${last}, lost ${lost}`)
      }
    }
    return results
  }

  /** Both, or the first failure of either.
   * @param {number} [longerMs] of pauses in what is sent */
  async _run(message, longerMs = 0) {
    const { last } = message
    this._sender.say(message)
    try {
      return await Promise.all([
        this._sender.hear('sent', longerMs),
        this._results(last, longerMs)
      ])
    } catch (error) {
      this._kill()
      throw error
    }
  }

  /** Events a second, from the first send to the last verified receipt. */
  async throughput(count, batch = 1) {
    const { damage } = this._config
    const { first, last } = await this._expect(count, false)
    const message = { type: 'flood', first, last, batch, damage }
    const [{ start: begin }, results] = await this._run(message)
    const end = Math.max(...results.map((result) => result.end))
    return count / ((end - begin) / 1e9)
  }

  /**
   * One-way latencies in microseconds of events `pauseMs` apart, and the share
   * of a CPU that the receiver took meanwhile.
   */
  async latency(count, pauseMs) {
    const acts = [{ times: count, pauseMs, events: 1 }]
    return this.session(acts, count)
  }

  /**
   * The same of acts, one behind the other.
   * @param {{ times: number, pauseMs: number, events: number }[]} acts so many
   *   times a pause, and so many events in a go behind it
   * @param {number} count of all events
   */
  async session(acts, count) {
    const { first, last } = await this._expect(count, true)
    const pausesMs = acts.reduce((sum, act) => sum + act.times * act.pauseMs, 0)
    const message = { type: 'session', first, last, acts }
    // A timer is late by a millisecond or two.
    const [{ times }, [result]] = await this._run(message, 3 * pausesMs)
    return {
      latencies: result.times.map((time, i) => (time - times[i]) / 1000),
      cpu: result.cpu
    }
  }

  async close() {
    const { _sender: sender, _receivers: receivers } = this
    await Promise.all([sender, ...receivers].map((remote) => remote.leave()))
    await Promise.all(this._children.map(({ ended }) => ended))
    this._cleanUp()
  }

  /** After a failure: nobody is asked any more. */
  _kill() {
    for (const { child } of this._children) child.kill('SIGKILL')
    this._cleanUp()
  }

  _cleanUp() {
    this._control.close()
    fs.rmSync(this._config.dir, { recursive: true, force: true })
  }
}

module.exports = { makeDirectory, Pair, start }
