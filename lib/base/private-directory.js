'use strict'
// Directories that only their owner can reach, made, and the files in them (see
// private-file.js), written and removed. Nobody who only reads needs it.

const fs = require('node:fs')
const path = require('node:path')
const { IpcError } = require('./errors.js')
const {
  attempt,
  checkDirectory,
  mustBePrivatePlace,
  removeTemporary,
  replaceText,
  systemError
} = require('./private-file.js')

/** Makes the directory, and makes sure that it is safe. */
function makeDirectory(dirPath) {
  mustBePrivatePlace(dirPath)
  try {
    fs.mkdirSync(dirPath, 0o700)
    if ((fs.lstatSync(dirPath).mode & 0o777) !== 0o700) {
      // The umask took away more than it should. By path and not by descriptor,
      // since a directory with such a mode cannot be opened.
      fs.chmodSync(dirPath, 0o700)
    }
  } catch (error) {
    if (error.code !== 'EEXIST') {
      throw systemError(error, dirPath)
    }
  }
  if (!checkDirectory(dirPath)) {
    throw new IpcError('ERR_SYSTEM', `${dirPath} vanished`)
  }
}

/**
 * Puts a file in its place, whole or not at all, in a directory that is safe.
 * @param {string} dirPath made with mode 0700 if it is missing
 * @param {string} base the file's name
 * @param {string} text
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_ACCESS, ERR_READ_ONLY, ERR_NO_SPACE,
 *   ERR_TOO_MANY_FILES, ERR_SYSTEM
 */
function writePrivate(dirPath, base, text) {
  makeDirectory(dirPath)
  removeTemporary(dirPath, base)
  replaceText(dirPath, base, text)
}

/**
 * Removes a file and what a writer that died has left of one.
 * @returns {boolean} whether there was a file
 * @throws {IpcError} ERR_UNSAFE_PATH, ERR_ACCESS, ERR_READ_ONLY, ERR_SYSTEM
 */
function removePrivate(dirPath, base) {
  if (!checkDirectory(dirPath)) {
    return false
  }
  removeTemporary(dirPath, base)
  const file = path.join(dirPath, base)
  const remove = () => {
    fs.unlinkSync(file)
    return true
  }
  return attempt(file, remove, false)
}

module.exports = { makeDirectory, removePrivate, writePrivate }
