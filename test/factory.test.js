'use strict'
// Everything of suites/transport.js over what the factory chooses: shared
// memory where there is an addon, WebSocket where there is none.

const { IpcFactory, PlatformShm } = require('../lib/index.js')
const { makePair } = require('./helpers/factory.js')
const { describeTransport } = require('./suites/transport.js')

describeTransport(
  'transport of the factory’s choice',
  (options) =>
    makePair(
      IpcFactory.createHybridTransport,
      { websocket: { port: 0 } },
      options
    ),
  PlatformShm.isAvailable()
)
