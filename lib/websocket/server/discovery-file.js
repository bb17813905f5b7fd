'use strict'
// Writes and removes the discovery file.

const { stringify } = require('../../base/json.js')
const {
  removePrivate,
  writePrivate
} = require('../../base/private-directory.js')
const { checkRecord, fileOf } = require('../discovery-file.js')

/**
 * Writes the discovery file, whole or not at all. The caller holds the ring's
 * lock.
 * @param {string} dirPath made with mode 0700 if it is missing
 * @param {string} name without '.json'
 * @param {import('../discovery-file.js').DiscoveryRecord} record
 * @returns {string} the file's path
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_DISCOVERY_INVALID, ERR_ACCESS,
 *   ERR_READ_ONLY, ERR_NO_SPACE, ERR_TOO_MANY_FILES, ERR_SYSTEM
 */
function writeDiscovery(dirPath, name, record) {
  const file = fileOf(dirPath, name)
  const text = `${stringify(checkRecord(record, file), 2)}\n`
  writePrivate(dirPath, `${name}.json`, text)
  return file
}

/**
 * Removes the discovery file and temporary ones that a killed writer left.
 * @param {string} dirPath
 * @param {string} name without '.json'
 * @returns {boolean} whether there was a file
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_ACCESS, ERR_READ_ONLY, ERR_SYSTEM
 */
function removeDiscovery(dirPath, name) {
  return removePrivate(dirPath, `${name}.json`)
}

module.exports = { removeDiscovery, writeDiscovery }
