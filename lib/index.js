'use strict'
// The public API, and nothing else. What is a getter here is loaded when it is
// first read.

const { lazy } = require('./base/load.js')
const client = require('./client-entry.js')
const { IpcFactory } = require('./factory.js')
const shield = require('./shield-entry.js')

const benchmark = lazy(() => require('./benchmark/client.js'))

module.exports = {
  IpcError: client.IpcError,
  IpcFactory,
  get BenchmarkClient() {
    return benchmark().BenchmarkClient
  },
  get PlatformShm() {
    return client.PlatformShm
  },
  get Severity() {
    return client.Severity
  },
  get SharedMemoryIpc() {
    return shield.SharedMemoryIpc
  },
  get ShmClient() {
    return client.ShmClient
  },
  get ThreatType() {
    return client.ThreatType
  },
  get displayText() {
    return client.displayText
  },
  get loadConfig() {
    return shield.loadConfig
  }
}
