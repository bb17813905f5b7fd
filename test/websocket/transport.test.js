'use strict'
// Everything of suites/transport.js over WebSocket: over the Unix socket, and
// over the port.

const { IpcFactory } = require('../../lib/index.js')
const { makePair } = require('../helpers/factory.js')
const { describeTransport } = require('../suites/transport.js')

const WAYS = {
  'WebSocket transport': { port: false },
  'WebSocket transport over the port': { port: 0, socket: false }
}

for (const [name, websocket] of Object.entries(WAYS)) {
  const common = { preferShm: false, websocket }
  describeTransport(name, (options) =>
    makePair(IpcFactory.createTransport, common, options)
  )
}
