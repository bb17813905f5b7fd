'use strict'
// Starts peer.js in one runtime or another, and reads what it prints.

const { spawn } = require('node:child_process')
const path = require('node:path')
const readline = require('node:readline')
const { within } = require('../helpers/wait.js')
const { programOf } = require('./runtimes.js')
const { ROOT } = require('../tools/test-files.js')

const PEER = path.join(__dirname, 'peer.js')
const LIBRARY = path.join(ROOT, 'lib', 'index.js')

/** How each runs a file. */
const commandOf = (runtime) =>
  ({
    node: () => [process.execPath],
    bun: () => [programOf('bun')],
    deno: () => [programOf('deno'), 'run', '-A', '--no-lock']
  })[runtime]()

class Peer {
  #process
  #lines = []
  #waiting = null
  stderr = ''

  /**
   * @param {'node' | 'bun' | 'deno'} runtime
   * @param {{ role: 'serve' | 'take', options: object, count: number }} what
   */
  constructor(runtime, what) {
    const [program, ...args] = commandOf(runtime)
    const told = JSON.stringify({ library: LIBRARY, ...what })
    this.#process = spawn(program, [...args, PEER, told], {
      stdio: ['pipe', 'pipe', 'pipe']
    })
    this.pid = this.#process.pid
    this.#process.stderr.on('data', (text) => {
      this.stderr += text
    })
    readline
      .createInterface({ input: this.#process.stdout })
      .on('line', (line) => {
        this.#lines.push(JSON.parse(line))
        this.#waiting?.()
      })
    this.exited = new Promise((resolve) => {
      this.#process.on('close', (code, signal) => {
        resolve({ code, signal })
        this.#waiting?.()
      })
    })
  }

  /** The next thing that it prints. */
  async next() {
    if (this.#lines.length === 0) {
      const told = new Promise((resolve) => {
        this.#waiting = resolve
      })
      await within(told, `a line of process ${this.pid}`)
    }
    if (this.#lines.length === 0) {
      throw new Error(`process ${this.pid} ended: ${this.stderr}`)
    }
    return this.#lines.shift()
  }

  /** Has it publish. */
  go() {
    this.#process.stdin.write('go\n')
  }

  /** Lets it end; how it did. */
  end() {
    this.#process.stdin.end()
    return within(this.exited, `the end of process ${this.pid}`)
  }

  kill() {
    this.#process.kill('SIGKILL')
    return this.exited
  }
}

/**
 * In a `describe`: a function that starts a Peer, which is ended when the test
 * is over.
 */
function usePeers() {
  const peers = []

  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.kill()))
  })

  return (runtime, what) => {
    const peer = new Peer(runtime, what)
    peers.push(peer)
    return peer
  }
}

module.exports = { commandOf, LIBRARY, usePeers }
