'use strict'
// Directories that the environment names. sudo and the like leave those of
// another user there, in which nothing may be put.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

/** An absolute path, and not of another user's directory. */
function isOwn(dir) {
  if (typeof dir !== 'string' || !path.isAbsolute(dir)) {
    return false
  }
  try {
    const { uid } = fs.statSync(dir)
    return process.geteuid === undefined || uid === process.geteuid()
  } catch {
    // What is missing is nobody's.
    return true
  }
}

/** @returns {string} '' where it is not known */
function homeOf(find) {
  try {
    return find()
  } catch {
    // A user without an entry in the system's list of users.
    return ''
  }
}

/**
 * @param {object} [env]
 * @returns {string | null} $XDG_RUNTIME_DIR, unless it is another user's
 */
function runtimeDirectory({ XDG_RUNTIME_DIR: dir } = process.env) {
  return isOwn(dir) ? dir : null
}

/** @returns {string | null} the home, unless it is another user's */
function homeDirectory() {
  const homes = [() => os.homedir(), () => os.userInfo().homedir]
  return homes.map(homeOf).find(isOwn) ?? null
}

module.exports = { homeDirectory, runtimeDirectory }
