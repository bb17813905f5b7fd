'use strict'
// kindly-guard-ipc/client: the reading end, and nothing of a Shield. What is a
// getter here is loaded when it is first read, so that `require` takes no longer
// than its caller needs.

const { IpcError } = require('./base/errors.js')
const { lazy } = require('./base/load.js')

const client = lazy(() => require('./client/client.js'))
const names = lazy(() => require('./threat/names.js'))
const platform = lazy(() => require('./shm/platform.js'))
const shmClient = lazy(() => require('./shm/client.js'))
const text = lazy(() => require('./base/display-text.js'))

/**
 * The extension's end: shared memory while there is a ring, WebSocket while
 * there is none. Resolves at once, also without a Shield, and delivers when one
 * comes.
 * @param {import('./index').IpcOptions} [options]
 * @returns {Promise<import('./index').IpcClient>}
 */
async function createClient(options) {
  const { IpcClient } = client()
  return new IpcClient(options)
}

module.exports = {
  IpcError,
  createClient,
  get PlatformShm() {
    return platform().PlatformShm
  },
  get Severity() {
    return names().Severity
  },
  get ShmClient() {
    return shmClient().ShmClient
  },
  get ThreatType() {
    return names().ThreatType
  },
  get displayText() {
    return text().displayText
  }
}
