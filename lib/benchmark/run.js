'use strict'
// One run of BenchmarkClient: a Shield in a process of its own, a client here,
// and what was received checked against what must have been sent.

const { fork } = require('node:child_process')
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { now } = require('./clock.js')
const { verify } = require('./threats.js')
const { IpcError } = require('../base/errors.js')
const { deniedError } = require('../base/permission.js')
const { IpcFactory } = require('../factory.js')
const { isWindows } = require('../base/windows.js')
const { PlatformShm } = require('../shm/platform.js')

// The other process's program. In a bundle it has to be one of its own: no
// bundler follows a path that is given to fork().
const SHIELD = 'benchmark-shield'
const EXTENSIONS = ['.js', '.cjs', '.mjs']

// After how many events the Shield is told how many were received.
const TELL_EVERY = 512
// Without an event for so long, the run has failed.
const PATIENCE_MS = 10_000

/**
 * Where that program is: beside this code, wherever that is by now.
 * @throws {IpcError} ERR_BENCHMARK_FAILED: it is not there
 */
function shieldFile() {
  // An ES module that a bundler made has no such name by itself.
  const dir = typeof __dirname === 'string' ? __dirname : null
  const files = EXTENSIONS.map((ext) => path.join(dir ?? '', SHIELD + ext))
  const file = files.find((one) => dir !== null && fs.existsSync(one))
  if (file === undefined) {
    throw new IpcError(
      'ERR_BENCHMARK_FAILED',
      `there is no ${SHIELD}.js beside ${dir ?? 'this ES module, which has no __dirname'}; ` +
        `bundle kindly-guard-ipc/${SHIELD} as an entry of that name, too`
    )
  }
  return file
}

class BenchmarkRun {
  #transport
  #events
  #dir
  #child
  #exited
  #failure = null
  #received = 0
  #wanted = -1
  #times = null
  #client = null

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
    let run = null
    try {
      run = new BenchmarkRun(transport)
      await run.start(ring, reader)
    } catch (error) {
      await run?.close()
      throw deniedError(error, 'the benchmark') ?? error
    }
    return run
  }

  constructor(transport) {
    this.#transport = transport
    // 'ready' and 'sent' of the Shield, 'received', and 'error'.
    this.#events = new EventEmitter()
    this.#events.on('error', () => {
      // Nothing waits at present; #next() throws it.
    })
    const memory = '/dev/shm'
    const hasMemory = !isWindows && fs.existsSync(memory)
    const parent = hasMemory ? memory : os.tmpdir()
    const name = `kindly-guard-benchmark-${process.pid}-`
    this.#dir = fs.mkdtempSync(path.join(parent, name))
  }

  /** For open(). */
  async start(ring, reader) {
    const transport = this.#transport
    const dir = this.#dir
    this.#child = fork(
      shieldFile(),
      [JSON.stringify({ ...ring, dir, transport })],
      // Without the flags of this process, such as --inspect with its port.
      { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }
    )
    let stderr = ''
    this.#child.stderr.on('data', (text) => {
      stderr += text
    })
    this.#child.on('message', (message) => {
      this.#events.emit(message.type, message)
    })
    const exited = new Promise((resolve) => {
      this.#child.on('exit', resolve)
      this.#child.on('error', (error) => {
        this.#fail(error.message, error)
        // A process that could not be started emits no 'exit'.
        if (this.#child.pid === undefined) resolve()
      })
    })
    // Not its 'close', which is not emitted after disconnect().
    this.#exited = Promise.all([
      exited,
      once(this.#child.stderr, 'close')
    ]).then(() => {
      const lines = stderr.trim().split('\n')
      const reason = lines.find((line) => /Error/.test(line)) ?? lines[0]
      this.#fail(`the Shield's process ended: ${reason}`)
    })
    await this.#next('ready')
    const isShm = transport === 'shm'
    this.#client = await IpcFactory.createClient({
      dir,
      from: 'oldest',
      ...(isShm ? { ...reader, reliable: true } : {}),
      preferShm: isShm,
      websocket: { enabled: !isShm }
    })
    this.#client.on('lost', ({ count, reason }) => {
      this.#fail(`${count} events were lost: ${reason}`)
    })
    this.#client
      .pollThreats((threat) => this.#take(threat))
      .catch((error) => this.#fail(error.message, error))
  }

  /** The next message of a type; rejects when the run fails. */
  async #next(type) {
    if (this.#failure !== null) {
      throw this.#failure
    }
    const [message] = await once(this.#events, type)
    return message
  }

  #fail(detail, cause) {
    if (this.#failure === null) {
      const clause = detail.replace(/\.$/, '')
      this.#failure = new IpcError('ERR_BENCHMARK_FAILED', clause, { cause })
      this.#events.emit('error', this.#failure)
    }
  }

  #take(threat) {
    if (this.#times !== null) this.#times.push(now())
    verify(threat, this.#received)
    this.#received++
    if (this.#received === this.#wanted) {
      this.#events.emit('received', now())
    }
    if (this.#received % TELL_EVERY === 0 && this.#transport === 'websocket') {
      this.#child.send({ type: 'taken', count: this.#received })
    }
  }

  /** Has `count` events sent, and waits for all of them. */
  async #send(message, count) {
    const first = this.#received
    const last = first + count
    this.#wanted = last
    let before = -1
    const watch = setInterval(() => {
      if (this.#received === before) this.#fail('nothing came any more')
      before = this.#received
    }, PATIENCE_MS)
    try {
      const both = Promise.all([this.#next('sent'), this.#next('received')])
      this.#child.send({ ...message, first, last })
      return await both
    } finally {
      clearInterval(watch)
    }
  }

  /** Seconds from the first publish to the last verified receipt. */
  async flood(count, batch) {
    const [{ start }, end] = await this.#send({ type: 'flood', batch }, count)
    return (end - start) / 1e9
  }

  /** Microseconds from each publish to the callback. */
  async singles(count, pauseMs) {
    this.#times = []
    const [{ times }] = await this.#send({ type: 'singles', pauseMs }, count)
    const latencies = this.#times.map((time, i) => (time - times[i]) / 1000)
    this.#times = null
    return latencies
  }

  async close() {
    await this.#client?.close()
    if (this.#child?.connected) this.#child.disconnect()
    await this.#exited
    fs.rmSync(this.#dir, { recursive: true, force: true })
  }
}

module.exports = { BenchmarkRun }
