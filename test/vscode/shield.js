'use strict'
// A Shield in a process of its own.

const { Child } = require('../helpers/child.js')

class Shield {
  #child
  #options

  /** @param {import('./editor.js').Editor} editor */
  constructor(editor, options = {}) {
    this.#options = {
      dir: editor.ringDir,
      maxEvents: 16_384,
      websocket: { port: false },
      ...options
    }
    // It has its addon, whatever the editor is to do without.
    const env = { ...editor.env, KINDLY_GUARD_IPC_NO_NATIVE: '' }
    this.#child = new Child({ env })
  }

  /** @returns {Promise<Shield>} one that runs */
  static async start(editor, options) {
    const shield = new Shield(editor, options)
    await shield.#child.call(async (state, given) => {
      state.transport = state.ipc.IpcFactory.createHybridTransport(given)
      await state.transport.ready()
    }, shield.#options)
    return shield
  }

  /**
   * Publishes threats of one kind, one by one.
   * @param {number} count
   * @param {object} [threat] what is other than usual
   * @param {{ perSecond?: number }} [pace]
   * @returns {Promise<number>} when the first was given to writeThreat, in ms
   *   since 1970
   */
  publish(count, threat = {}, { perSecond = Infinity } = {}) {
    return this.#child.call(
      async ({ transport }, given) => {
        const wait = (ms) =>
          new Promise((done) => {
            setTimeout(done, ms)
          })
        const began = performance.timeOrigin + performance.now()
        for (let written = 0; written < given.count;) {
          const due = given.perSecond
            ? (Date.now() - began) * (given.perSecond / 1000)
            : given.count
          for (; written < Math.min(due, given.count); written++) {
            transport.writeThreat(given.threat)
          }
          if (written < given.count) await wait(1)
        }
        return began
      },
      {
        count,
        perSecond: perSecond === Infinity ? 0 : perSecond,
        threat: {
          threatType: 'PathTraversal',
          severity: 'Low',
          source: 'mcp',
          details: '../../etc/passwd',
          blocked: true,
          ...threat
        }
      }
    )
  }

  /** As many of it as were published, whatever else is. */
  sequence() {
    return this.#child.call(({ transport }) => transport.stats().sequence)
  }

  signal(name) {
    this.#child.signal(name)
  }

  kill() {
    return this.#child.kill()
  }
}

module.exports = { Shield }
