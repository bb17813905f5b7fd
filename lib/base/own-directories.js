'use strict'
// Directories that the environment names. sudo and the like leave those of
// another user there, in which nothing may be put.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { isBelow, isWindows, localDirectories } = require('./windows.js')

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

const homes = () =>
  [() => os.homedir(), () => os.userInfo().homedir].map(homeOf).filter(isOwn)

/**
 * The directories for what no other user may reach, the best first. They need
 * not exist; what they are in does.
 * @param {object} [env]
 * @returns {string[]}
 */
function ownDirectories(env = process.env) {
  const [home = null] = homes()
  if (isWindows) {
    return localDirectories(env, home)
  }
  const dirs = []
  if (isOwn(env.XDG_RUNTIME_DIR)) {
    dirs.push(path.join(env.XDG_RUNTIME_DIR, 'kindly-guard'))
  }
  if (home !== null) {
    dirs.push(path.join(home, '.kindly-guard'))
  }
  return dirs
}

/** Without links, as far as it exists. */
function resolved(dir) {
  try {
    return fs.realpathSync.native(dir)
  } catch {
    const above = path.dirname(dir)
    return above === dir ? dir : path.join(resolved(above), path.basename(dir))
  }
}

/**
 * Whether a directory is in the user's profile, and not by a link. There Windows
 * lets the user, the system and administrators in; what is made elsewhere has
 * the access list of the folder above it, and only the addon could tell who is
 * on that.
 * @param {string} dir absolute; need not exist
 * @returns {boolean}
 */
function isInProfile(dir) {
  const roots = [...homes(), process.env.LOCALAPPDATA].filter(isOwn)
  return isBelow(resolved(dir), roots.map(resolved))
}

module.exports = { isInProfile, ownDirectories }
