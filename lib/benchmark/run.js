'use strict'
// One run of BenchmarkClient: a Shield in a process of its own, a client here,
// and what was received checked against what must have been sent.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { verify } = require('./threats.js')
const { IpcError } = require('../base/errors.js')
const { IpcFactory } = require('../factory.js')
const { PlatformShm } = require('../shm/platform.js')

const SHIELD = path.join(__dirname, 'shield.js')
// After how many events the Shield is told how many were received.
const TELL_EVERY = 512
// Without an event for so long, the run has failed.
const PATIENCE_MS = 10_000

const now = () => Number(process.hrtime.bigint())

class BenchmarkRun {
  /**
   * Starts both ends.
   * @param {'shm' | 'websocket'} transport
   * @param {object} ring options of the ring
   * @param {object} reader options of the reader
   */
  static async open(transport, ring, reader) {
    const reason = PlatformShm.unavailableReason()
    if (transport === 'shm' && reason !== null) {
      throw new IpcError('ERR_SHM_UNAVAILABLE', reason)
    }
    const run = new BenchmarkRun(transport)
    try {
      await run.start(ring, reader)
    } catch (error) {
      await run.close()
      throw error
    }
    return run
  }

  constructor(transport) {
    this._transport = transport
    // 'ready' and 'sent' of the Shield, 'received', and 'error'.
    this._events = new EventEmitter()
    this._events.on('error', () => {
      // Nothing waits at present; _next() throws it.
    })
    this._failure = null
    this._received = 0
    this._wanted = -1
    this._times = null
    this._client = null
    const parent = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()
    const name = `kindly-guard-benchmark-${process.pid}-`
    this._dir = fs.mkdtempSync(path.join(parent, name))
  }

  /** For open(). */
  async start(ring, reader) {
    const transport = this._transport
    const dir = this._dir
    this._child = fork(
      SHIELD,
      [JSON.stringify({ ...ring, dir, transport })],
      // Without the flags of this process, such as --inspect with its port.
      { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }
    )
    let stderr = ''
    this._child.stderr.on('data', (text) => {
      stderr += text
    })
    this._child.on('message', (message) => {
      this._events.emit(message.type, message)
    })
    const exited = new Promise((resolve) => {
      this._child.on('exit', resolve)
      this._child.on('error', (error) => {
        this._fail(error.message, error)
        // A process that could not be started emits no 'exit'.
        if (this._child.pid === undefined) resolve()
      })
    })
    // Not its 'close', which is not emitted after disconnect().
    this._exited = Promise.all([
      exited,
      once(this._child.stderr, 'close')
    ]).then(() => {
      const lines = stderr.trim().split('\n')
      const reason = lines.find((line) => /Error/.test(line)) ?? lines[0]
      this._fail(`the Shield's process ended: ${reason}`)
    })
    await this._next('ready')
    const isShm = transport === 'shm'
    this._client = await IpcFactory.createClient({
      dir,
      from: 'oldest',
      ...(isShm ? { ...reader, reliable: true } : {}),
      preferShm: isShm,
      websocket: { enabled: !isShm }
    })
    this._client.on('lost', ({ count, reason }) => {
      this._fail(`${count} events were lost: ${reason}`)
    })
    this._client
      .pollThreats((threat) => this._take(threat))
      .catch((error) => this._fail(error.message, error))
  }

  /** The next message of a type; rejects when the run fails. */
  async _next(type) {
    if (this._failure !== null) {
      throw this._failure
    }
    const [message] = await once(this._events, type)
    return message
  }

  _fail(detail, cause) {
    if (this._failure === null) {
      const clause = detail.replace(/\.$/, '')
      this._failure = new IpcError('ERR_BENCHMARK_FAILED', clause, { cause })
      this._events.emit('error', this._failure)
    }
  }

  _take(threat) {
    if (this._times !== null) this._times.push(now())
    verify(threat, this._received)
    this._received++
    if (this._received === this._wanted) {
      this._events.emit('received', now())
    }
    if (this._received % TELL_EVERY === 0 && this._transport === 'websocket') {
      this._child.send({ type: 'taken', count: this._received })
    }
  }

  /** Has `count` events sent, and waits for all of them. */
  async _send(message, count) {
    const first = this._received
    const last = first + count
    this._wanted = last
    let before = -1
    const watch = setInterval(() => {
      if (this._received === before) this._fail('nothing came any more')
      before = this._received
    }, PATIENCE_MS)
    try {
      const both = Promise.all([this._next('sent'), this._next('received')])
      this._child.send({ ...message, first, last })
      return await both
    } finally {
      clearInterval(watch)
    }
  }

  /** Seconds from the first publish to the last verified receipt. */
  async flood(count, batch) {
    const [{ start }, end] = await this._send({ type: 'flood', batch }, count)
    return (end - start) / 1e9
  }

  /** Microseconds from each publish to the callback. */
  async singles(count, pauseMs) {
    this._times = []
    const [{ times }] = await this._send({ type: 'singles', pauseMs }, count)
    const latencies = this._times.map((time, i) => (time - times[i]) / 1000)
    this._times = null
    return latencies
  }

  async close() {
    await this._client?.close()
    if (this._child?.connected) this._child.disconnect()
    await this._exited
    fs.rmSync(this._dir, { recursive: true, force: true })
  }
}

module.exports = { BenchmarkRun }
