'use strict'
// The options of IpcFactory: those of both ends in one object, so that one
// configuration file does for the Shield and its clients.

const {
  checkFactory,
  checkReader,
  CURSOR_CHECKS,
  LOCATION_CHECKS,
  pick,
  RING_CHECKS
} = require('./check.js')
const { invalid } = require('../base/errors.js')
const { checkWebSocket } = require('./websocket.js')

/**
 * @param {import('../index').IpcOptions} [options]
 * @returns {{ location: object, writer: object, reader: object,
 *   preferShm: boolean, websocket: object }} checked, filled in
 * @throws {TypeError | RangeError} ERR_INVALID_OPTION
 */
function checkIpc(options) {
  const { websocket, preferShm = true, ...rest } = checkFactory(options)
  const checked = checkWebSocket(websocket)
  if (!preferShm && !checked.enabled) {
    throw invalid(
      RangeError,
      'ERR_INVALID_OPTION',
      'options preferShm and websocket.enabled: one of them must be true'
    )
  }
  return {
    location: pick(rest, LOCATION_CHECKS),
    writer: pick(rest, RING_CHECKS),
    reader: checkReader(pick(rest, CURSOR_CHECKS)),
    preferShm,
    websocket: checked
  }
}

module.exports = { checkIpc }
