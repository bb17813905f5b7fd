'use strict'
// What the file of an addon says of itself, read before the system's loader
// sees it: for which system and processor it is, and whether all of it is there.

// Each is loaded when the ones before it do not know the file, so that loading
// the package takes no longer than its own system needs.
const READERS = [
  (bytes) => require('./elf.js').readElf(bytes),
  (bytes) => require('./mach-o.js').readMachO(bytes),
  (bytes) => require('./pe.js').readPe(bytes)
]

/**
 * @typedef {object} Binary
 * @property {'linux' | 'darwin' | 'win32'} system as in process.platform
 * @property {string | null} arch as in process.arch; `processor N` for one
 *   without a name here, null when the file is for several
 * @property {boolean} isWhole whether all that the header names is in the file
 */

/**
 * @param {Buffer} bytes a file
 * @returns {Binary | null} null when it is nothing that a system loads
 */
function readBinary(bytes) {
  for (const read of READERS) {
    const binary = read(bytes)
    if (binary !== null) return binary
  }
  return null
}

module.exports = { readBinary }
