'use strict'
// What an object for Windows, as the compiler makes it, asks of others.

const SYMBOL_BYTES = 18
const SHORT_NAME_BYTES = 8
const EXTERNAL = 2

const textAt = (bytes, at, end) =>
  bytes.toString('latin1', at, Math.min(bytes.indexOf(0, at) >>> 0, end))

/**
 * @param {Buffer} bytes an object that our own compiler made
 * @returns {string[]} the names of what is external and not defined in it
 */
function undefinedInCoff(bytes) {
  const table = bytes.readUInt32LE(8)
  const count = bytes.readUInt32LE(12)
  // Names that are longer than a symbol has room for stand behind them all.
  const texts = table + count * SYMBOL_BYTES
  const names = []
  for (let i = 0; i < count; i++) {
    const at = table + i * SYMBOL_BYTES
    const isUndefined = bytes.readInt16LE(at + 12) === 0
    if (isUndefined && bytes[at + 16] === EXTERNAL) {
      const isLong = bytes.readUInt32LE(at) === 0
      const name = isLong
        ? textAt(bytes, texts + bytes.readUInt32LE(at + 4), bytes.length)
        : textAt(bytes, at, at + SHORT_NAME_BYTES)
      names.push(name)
    }
    // More about the same symbol.
    i += bytes[at + 17]
  }
  return names
}

module.exports = { undefinedInCoff }
