'use strict'
// Everything of suites/transport.js over WebSocket.

const { IpcFactory } = require('../../lib/index.js')
const { makePair } = require('../helpers/factory.js')
const { describeTransport } = require('../suites/transport.js')

const common = { preferShm: false, websocket: { port: 0 } }

describeTransport('WebSocket transport', (options) =>
  makePair(IpcFactory.createTransport, common, options)
)
