'use strict'
// What the port and the Unix socket have in common: a server of connections that
// belongs to this process alone.

const net = require('node:net')
const { happened } = require('../../base/happened.js')
const { checkListening } = require('./may-listen.js')

class Listener {
  /** @type {net.Server} */
  server

  /** @param {(socket: net.Socket) => void} accept gets the connections */
  constructor(accept) {
    // Both as those of an HTTP server.
    this.server = net.createServer(
      { allowHalfOpen: true, noDelay: true },
      accept
    )
  }

  /**
   * @param {{ host: string, port: number } | { path: string }} where
   * @returns {Promise<void>}
   * @throws {Error} of the system
   */
  async listen(where) {
    if (where.port !== undefined) {
      checkListening(where.host, where.port)
    }
    // Exclusive: in a cluster, workers would share the port and not the token,
    // and the primary process would own the Unix socket and outlive this one.
    this.server.listen({ ...where, exclusive: true })
    await happened(this.server, 'listening')
    // Connections that cannot be accepted, for want of descriptors, wait.
    this.server.on('error', () => {})
    // Do not keep the process alive.
    this.server.unref()
  }

  /** Connections go on. @returns {Promise<void>} */
  close() {
    return new Promise((resolve) => {
      // It may say that it does not listen.
      this.server.close(() => resolve())
    })
  }
}

module.exports = { Listener }
