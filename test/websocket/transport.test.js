'use strict'
// Everything of suites/transport.js over WebSocket, by the Unix socket.

const { IpcFactory } = require('../../lib/index.js')
const { makePair } = require('../helpers/factory.js')
const { describeTransport } = require('../suites/transport.js')

const COMMON = { preferShm: false, websocket: { port: false } }

describeTransport('WebSocket transport', (options) =>
  makePair(IpcFactory.createTransport, COMMON, options)
)
