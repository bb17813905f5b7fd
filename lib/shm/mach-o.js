'use strict'
// What a Mach-O file (macOS) says of itself.

const HEADER_BYTES = 32
const MAGIC = 0xfeedfacf
// Several files in one, for a processor each; the system picks its own.
const UNIVERSAL_MAGICS = [0xcafebabe, 0xcafebabf]
// Files of Java begin with the same number, and go on with a larger one.
const MOST_IN_ONE = 16

const ARCHITECTURES = { 0x01000007: 'x64', 0x0100000c: 'arm64' }

const LC_SYMTAB = 0x2
const LC_SEGMENT_64 = 0x19
const LC_CODE_SIGNATURE = 0x1d
// The least size of each of these commands.
const COMMAND_BYTES = {
  [LC_SYMTAB]: 24,
  [LC_SEGMENT_64]: 72,
  [LC_CODE_SIGNATURE]: 16
}

const SYMBOL_BYTES = 16
const SIGNATURE_MAGIC = 0xfade0cc0

/** A 64-bit number of the file; one that is too large for it is not exact. */
const wide = (bytes, at) => Number(bytes.readBigUInt64LE(at))

/**
 * @param {Buffer} bytes
 * @returns {{ type: number, at: number, size: number }[] | null} the load
 *   commands; null when not all of them are in the file
 */
function commandsOf(bytes) {
  const count = bytes.readUInt32LE(16)
  const end = HEADER_BYTES + bytes.readUInt32LE(20)
  const commands = []
  for (let at = HEADER_BYTES; commands.length < count;) {
    if (at + 8 > Math.min(end, bytes.length)) return null
    const [type, size] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    const least = COMMAND_BYTES[type] ?? 8
    if (size < least || at + size > bytes.length) return null
    commands.push({ type, at, size })
    at += size
  }
  return commands
}

/** The names of symbols stand behind all else but the signature. */
function hasNames(bytes, at) {
  const [symbols, count] = [
    bytes.readUInt32LE(at + 8),
    bytes.readUInt32LE(at + 12)
  ]
  const [names, size] = [
    bytes.readUInt32LE(at + 16),
    bytes.readUInt32LE(at + 20)
  ]
  if (count === 0) return true
  const last = symbols + (count - 1) * SYMBOL_BYTES
  if (last + SYMBOL_BYTES > bytes.length || names + size > bytes.length) {
    return false
  }
  const name = bytes.readUInt32LE(last)
  return name < size && bytes[names + name] !== 0
}

/** Whether all that a command names is in the file. */
function isThere(bytes, { type, at }) {
  if (type === LC_SEGMENT_64) {
    return wide(bytes, at + 40) + wide(bytes, at + 48) <= bytes.length
  }
  if (type === LC_SYMTAB) return hasNames(bytes, at)
  if (type !== LC_CODE_SIGNATURE) return true
  const [begin, size] = [
    bytes.readUInt32LE(at + 8),
    bytes.readUInt32LE(at + 12)
  ]
  return (
    size >= 8 &&
    begin + size <= bytes.length &&
    bytes.readUInt32BE(begin) === SIGNATURE_MAGIC
  )
}

/**
 * @param {Buffer} bytes
 * @returns {import('./binary.js').Binary | null} null when it is no 64-bit
 *   little-endian Mach-O file and no universal one
 */
function readMachO(bytes) {
  if (bytes.length < HEADER_BYTES) return null
  if (
    UNIVERSAL_MAGICS.includes(bytes.readUInt32BE(0)) &&
    bytes.readUInt32BE(4) <= MOST_IN_ONE
  ) {
    return { system: 'darwin', arch: null, isWhole: true }
  }
  if (bytes.readUInt32LE(0) !== MAGIC) return null
  const processor = bytes.readUInt32LE(4)
  const commands = commandsOf(bytes)
  return {
    system: 'darwin',
    arch: ARCHITECTURES[processor] ?? `processor ${processor}`,
    isWhole: commands?.every((command) => isThere(bytes, command)) ?? false
  }
}

module.exports = { commandsOf, readMachO }
