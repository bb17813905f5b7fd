'use strict'
// What the file of an addon says of itself, read before the system's loader
// sees it: for which system and processor it is, and whether all of it is there.

const { readElf } = require('./elf.js')
const { readMachO } = require('./mach-o.js')
const { readPe } = require('./pe.js')

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
const readBinary = (bytes) =>
  readElf(bytes) ?? readMachO(bytes) ?? readPe(bytes)

module.exports = { readBinary }
