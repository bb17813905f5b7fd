'use strict'
// Paths of Unix sockets.

// The address of a socket holds 108 bytes on Linux and 104 on macOS, and Node
// cuts a longer path without a word: it would be the name of another file.
const MAX_SOCKET_PATH_BYTES = 100

/**
 * Whether a socket can have this path.
 * @param {string} path
 * @returns {boolean}
 */
const isSocketPath = (path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES

module.exports = { isSocketPath, MAX_SOCKET_PATH_BYTES }
