'use strict'
// What is another on Windows, for tests that are the same everywhere.

const path = require('node:path')

const IS_WINDOWS = process.platform === 'win32'

/** A path that is written down as elsewhere, as this system has it. */
const here = (file) => path.resolve(file)

/** The address of a local socket that nobody has. */
const socketPath = (name) =>
  IS_WINDOWS ? `\\\\.\\pipe\\kindly-guard-test-${name}` : `/${name}`

/** Names the directory in which the package puts what is a user's own. */
const OWN_DIRECTORY = IS_WINDOWS ? 'LOCALAPPDATA' : 'XDG_RUNTIME_DIR'

/** What is made in there, and what at home. */
const OWN_FOLDER = IS_WINDOWS ? 'KindlyGuard' : 'kindly-guard'
const HOME_FOLDER = IS_WINDOWS
  ? path.join('AppData', 'Local', 'KindlyGuard')
  : '.kindly-guard'

/** What the system says of a server that is gone. */
const GONE = IS_WINDOWS ? 'ENOENT' : 'ECONNREFUSED'

module.exports = {
  GONE,
  here,
  HOME_FOLDER,
  IS_WINDOWS,
  OWN_DIRECTORY,
  OWN_FOLDER,
  socketPath
}
