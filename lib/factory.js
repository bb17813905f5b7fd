'use strict'
// IpcFactory: chooses the transport.

const { createClient } = require('./client-entry.js')
const { createHybridTransport, createTransport } = require('./shield-entry.js')

const IpcFactory = Object.freeze({
  createTransport,
  createHybridTransport,
  createClient
})

module.exports = { IpcFactory }
