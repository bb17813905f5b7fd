'use strict'
// CRC32C bit by bit, from its definition and not from native/ring/crc32c.c.

const POLYNOMIAL = 0x82f63b78

/** @param {Uint8Array} bytes @returns {number} */
function crc32c(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
    }
  }
  return (crc ^ 0xffffffff) >>> 0
}

module.exports = { crc32c }
