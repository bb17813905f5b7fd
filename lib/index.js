'use strict'
// The public API, and nothing else.

const { loadConfig } = require('./config.js')
const { IpcError } = require('./errors.js')
const { IpcFactory } = require('./factory.js')
const { PlatformShm } = require('./platform-shm.js')
const { SharedMemoryIpc } = require('./shm-writer.js')
const { ShmClient } = require('./shm-client.js')
const { Severity, ThreatType } = require('./threat-event.js')

module.exports = {
  IpcError,
  IpcFactory,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType,
  loadConfig
}
