'use strict'
// The public API, and nothing else.

const { BenchmarkClient } = require('./benchmark-client.js')
const { loadConfig } = require('./config.js')
const { IpcError } = require('./errors.js')
const { IpcFactory } = require('./factory.js')
const { PlatformShm } = require('./platform-shm.js')
const { SharedMemoryIpc } = require('./shm-writer.js')
const { ShmClient } = require('./shm-client.js')
const { Severity, ThreatType } = require('./threat-event.js')

module.exports = {
  BenchmarkClient,
  IpcError,
  IpcFactory,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType,
  loadConfig
}
