'use strict'
// Everything of suites/transport.js over WebSocket, by the port.

const { IpcFactory } = require('../../lib/index.js')
const { makePair } = require('../helpers/factory.js')
const { describeTransport } = require('../suites/transport.js')

const COMMON = { preferShm: false, websocket: { port: 0, socket: false } }

describeTransport('WebSocket transport over the port', (options) =>
  makePair(IpcFactory.createTransport, COMMON, options)
)
