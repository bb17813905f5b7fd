'use strict'
// IpcFactory: chooses the transport.

const { IpcClient } = require('./client/client.js')
const { IpcTransport } = require('./shield/transport.js')

const IpcFactory = Object.freeze({
  /**
   * The Shield's end: shared memory where it is available and preferred,
   * WebSocket otherwise.
   * @param {import('./index').IpcOptions} [options]
   * @returns {IpcTransport}
   */
  createTransport: (options) => new IpcTransport(options, false),

  /**
   * The Shield's end: both. When one cannot start, `transport` and stats() say
   * why, and the other is used.
   * @param {import('./index').IpcOptions} [options]
   * @returns {IpcTransport}
   */
  createHybridTransport: (options) => new IpcTransport(options, true),

  /**
   * The extension's end: shared memory while there is a ring, WebSocket while
   * there is none. Resolves at once, also without a Shield, and delivers when one
   * comes.
   * @param {import('./index').IpcOptions} [options]
   * @returns {Promise<IpcClient>}
   */
  createClient: async (options) => new IpcClient(options)
})

module.exports = { IpcFactory }
