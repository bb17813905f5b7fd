'use strict'
// Paths of local sockets: a file, or on Windows a pipe's name.

const { isPipe, isWindows } = require('./windows.js')

// The address of a socket holds 108 bytes on Linux and 104 on macOS, and Node
// cuts a longer path without a word: it would be the name of another file.
const MAX_SOCKET_PATH_BYTES = 100

/** What it is then, for people. */
const SOCKET_PATH = isWindows
  ? String.raw`a pipe’s name, as \\.\pipe\name`
  : `a path of ${MAX_SOCKET_PATH_BYTES} bytes at most`

/**
 * Whether a socket can have this path.
 * @param {string} path
 * @returns {boolean}
 */
const isSocketPath = (path) =>
  isWindows ? isPipe(path) : Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES

module.exports = { isSocketPath, MAX_SOCKET_PATH_BYTES, SOCKET_PATH }
