'use strict'
// zig's linker puts the time of the day into a file for Windows, and cannot be
// told not to. Nothing reads it there.

const { headerOf } = require('../../../lib/shm/pe.js')

const TIME = 8

/**
 * @param {Buffer} bytes a file for Windows
 * @returns {Buffer} the same without the time at which it was linked
 */
function withoutTime(bytes) {
  const same = Buffer.from(bytes)
  same.writeUInt32LE(0, headerOf(same) + TIME)
  return same
}

module.exports = { withoutTime }
