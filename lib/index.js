'use strict'
// The public API, and nothing else.

const { IpcError } = require('./errors.js')
const { PlatformShm } = require('./platform-shm.js')
const { SharedMemoryIpc } = require('./shm-writer.js')
const { ShmClient } = require('./shm-client.js')
const { Severity, ThreatType } = require('./threat-event.js')

module.exports = {
  IpcError,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType
}
