'use strict'
// The public API, and nothing else.

const { BenchmarkClient } = require('./benchmark/client.js')
const { displayText } = require('./base/display-text.js')
const { loadConfig } = require('./options/file.js')
const { IpcError } = require('./base/errors.js')
const { IpcFactory } = require('./factory.js')
const { PlatformShm } = require('./shm/platform.js')
const { SharedMemoryIpc } = require('./shm/writer.js')
const { ShmClient } = require('./shm/client.js')
const { Severity, ThreatType } = require('./threat/names.js')

module.exports = {
  BenchmarkClient,
  IpcError,
  IpcFactory,
  PlatformShm,
  Severity,
  SharedMemoryIpc,
  ShmClient,
  ThreatType,
  displayText,
  loadConfig
}
