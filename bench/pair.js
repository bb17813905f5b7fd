'use strict'
// A sender and a receiver of one transport, each a process, and what is
// measured between them.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const CHILD = path.join(__dirname, 'child.js')

/** A child whose messages are events; its early end is an error. */
function start(role, transport, config) {
  const child = fork(CHILD, [role, transport, JSON.stringify(config)])
  const messages = new EventEmitter()
  child.on('message', (message) => messages.emit(message.type, message))
  child.on('exit', (code) => {
    if (code !== 0) {
      messages.emit('error', new Error(`${transport} ${role} exited: ${code}`))
    }
  })
  return {
    say: (message) => child.send(message),
    hear: async (type) => (await once(messages, type))[0],
    ended: once(child, 'exit')
  }
}

class Pair {
  /**
   * @param {string} transport a file in transports/
   * @param {{ spinMicros?: number }} [options]
   */
  static async open(transport, options = {}) {
    const pair = new Pair()
    pair._dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kg-bench-'))
    // The ring belongs into memory even where the temporary folder does not.
    if (fs.existsSync('/dev/shm')) {
      fs.rmdirSync(pair._dir)
      pair._dir = fs.mkdtempSync('/dev/shm/kg-bench-')
    }
    const config = { dir: pair._dir, ...options }
    pair._sent = 0
    pair._sender = start('sender', transport, config)
    const senderReady = pair._sender.hear('ready')
    if (transport === 'ws') {
      config.port = (await pair._sender.hear('port')).port
    }
    pair._receiver = start('receiver', transport, config)
    await Promise.all([senderReady, pair._receiver.hear('ready')])
    return pair
  }

  async _expect(count, timed) {
    const first = this._sent
    const last = first + count
    this._sent = last
    this._receiver.say({ type: 'expect', last, timed })
    await this._receiver.hear('expecting')
    const received = this._receiver.hear('received')
    return { first, last, received }
  }

  static _check({ received, lost }, last) {
    if (received !== last || lost !== 0) {
      throw new Error(`received ${received} of ${last}, lost ${lost}`)
    }
  }

  /** Events a second, from the first send to the last verified receipt. */
  async throughput(count) {
    const { first, last, received } = await this._expect(count, false)
    const sent = this._sender.hear('sent')
    this._sender.say({ type: 'flood', first, last })
    const { start: begin } = await sent
    const result = await received
    Pair._check(result, last)
    return count / (Number(BigInt(result.end) - BigInt(begin)) / 1e9)
  }

  /** One-way latencies in microseconds of events `pauseMs` apart. */
  async latency(count, pauseMs) {
    const { first, last, received } = await this._expect(count, true)
    this._sender.say({ type: 'single', first, last, pauseMs })
    const result = await received
    Pair._check(result, last)
    return result.latencies
  }

  async close() {
    this._sender.say({ type: 'close' })
    this._receiver.say({ type: 'close' })
    await Promise.all([this._sender.ended, this._receiver.ended])
    fs.rmSync(this._dir, { recursive: true, force: true })
  }
}

module.exports = { Pair }
