'use strict'
// kindly-guard-ipc/shield: the writing end, and nothing of an extension. What is
// a getter here is loaded when it is first read.

const { IpcError } = require('./base/errors.js')
const { lazy } = require('./base/load.js')

const configuration = lazy(() => require('./options/file.js'))
const names = lazy(() => require('./threat/names.js'))
const platform = lazy(() => require('./shm/platform.js'))
const shield = lazy(() => require('./shield/transport.js'))
const writer = lazy(() => require('./shm/writer.js'))

function transport(options, isHybrid) {
  const { IpcTransport } = shield()
  return new IpcTransport(options, isHybrid)
}

/**
 * The Shield's end: shared memory where it is available and preferred,
 * WebSocket otherwise.
 * @param {import('./index').IpcOptions} [options]
 * @returns {import('./index').IpcTransport}
 */
const createTransport = (options) => transport(options, false)

/**
 * The Shield's end: both. When one cannot start, `transport` and stats() say
 * why, and the other is used.
 * @param {import('./index').IpcOptions} [options]
 * @returns {import('./index').IpcTransport}
 */
const createHybridTransport = (options) => transport(options, true)

module.exports = {
  IpcError,
  createHybridTransport,
  createTransport,
  get PlatformShm() {
    return platform().PlatformShm
  },
  get Severity() {
    return names().Severity
  },
  get SharedMemoryIpc() {
    return writer().SharedMemoryIpc
  },
  get ThreatType() {
    return names().ThreatType
  },
  get loadConfig() {
    return configuration().loadConfig
  }
}
