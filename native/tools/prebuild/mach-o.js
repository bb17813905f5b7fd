'use strict'
// What an addon for macOS asks of the system and shows to it. The file is one
// that lib/shm/mach-o.js calls whole, and our own compiler made it.

const { commandsOf } = require('../../../lib/shm/mach-o.js')

const LC_SYMTAB = 0x2
const LC_LOAD_DYLIB = 0xc
const LC_CODE_SIGNATURE = 0x1d
const LC_BUILD_VERSION = 0x32
const LC_DYLD_INFO_ONLY = 0x80000022
const PLATFORM_MACOS = 1

const SYMBOL_BYTES = 16
// The type of a symbol that is looked for elsewhere.
const N_UNDEFINED_EXTERNAL = 0x01
// The high byte of a symbol's description: in which library it is looked for.
const DYNAMIC_LOOKUP = 0xfe

// In a code directory: who signed. Ad hoc is nobody.
const CODE_DIRECTORY_MAGIC = 0xfade0c02
const CS_ADHOC = 0x2

/**
 * @typedef {object} MachO
 * @property {string[]} exported
 * @property {string[]} fromProcess what any library or program may give
 * @property {string[]} libraries those that it is linked to
 * @property {string | null} oldest the version of macOS that it needs
 * @property {boolean} isSignedAdHoc
 */

function textAt(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}

const withoutUnderscore = (name) => name.replace(/^_/, '')

/** The names that are looked for in the process, and not in one library. */
function fromProcess(bytes, { at }) {
  const [begin, count, names] = [8, 12, 16].map((i) =>
    bytes.readUInt32LE(at + i)
  )
  return Array.from(
    { length: count },
    (_, index) => begin + index * SYMBOL_BYTES
  )
    .filter(
      (symbol) =>
        bytes[symbol + 4] === N_UNDEFINED_EXTERNAL &&
        bytes[symbol + 7] === DYNAMIC_LOOKUP
    )
    .map((symbol) => textAt(bytes, names + bytes.readUInt32LE(symbol)))
    .map(withoutUnderscore)
}

/** A number in groups of seven bits, and where the next one begins. */
function readLeb(bytes, at) {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return [value, at]
  }
}

/**
 * Where the names are that the system's loader finds.
 * @returns {{ begin: number, size: number }} both in bytes
 */
function findExports(bytes, commands) {
  const { at } = commands.find(({ type }) => type === LC_DYLD_INFO_ONLY)
  const [begin, size] = [
    bytes.readUInt32LE(at + 40),
    bytes.readUInt32LE(at + 44)
  ]
  return { begin, size }
}

/**
 * The names that the system's loader finds: a tree with the parts of them.
 * @returns {{ name: string, information: Buffer }[]}
 */
function walkExports(bytes, begin) {
  const walk = (node, name) => {
    const [length, behind] = readLeb(bytes, begin + node)
    let edge = behind + length
    const information = bytes.subarray(behind, edge)
    const found = length > 0 ? [{ name, information }] : []
    for (let left = bytes[edge++]; left > 0; left--) {
      const part = textAt(bytes, edge)
      const [child, next] = readLeb(bytes, edge + part.length + 1)
      found.push(...walk(child, name + part))
      edge = next
    }
    return found
  }
  return walk(0, '')
}

/** `11.0` of 0x000b0000. */
const versionOf = (number) => `${number >>> 16}.${(number >>> 8) & 0xff}`

/** Where the signature says what it signs and how, or null. */
function findCodeDirectory(bytes, commands) {
  const command = commands.find(({ type }) => type === LC_CODE_SIGNATURE)
  if (command === undefined) return null
  const blob = bytes.readUInt32LE(command.at + 8)
  const count = bytes.readUInt32BE(blob + 8)
  for (let i = 0; i < count; i++) {
    const at = blob + bytes.readUInt32BE(blob + 12 + i * 8 + 4)
    if (bytes.readUInt32BE(at) === CODE_DIRECTORY_MAGIC) return at
  }
  return null
}

function isSignedAdHoc(bytes, directory) {
  return (
    directory !== null && (bytes.readUInt32BE(directory + 12) & CS_ADHOC) !== 0
  )
}

/**
 * @param {Buffer} bytes
 * @returns {MachO}
 */
function inspectMachO(bytes) {
  const commands = commandsOf(bytes)
  const find = (wanted) => commands.find(({ type }) => type === wanted)
  const build = find(LC_BUILD_VERSION)
  const isForMac =
    build !== undefined && bytes.readUInt32LE(build.at + 8) === PLATFORM_MACOS
  return {
    exported: walkExports(bytes, findExports(bytes, commands).begin).map(
      ({ name }) => withoutUnderscore(name)
    ),
    fromProcess: fromProcess(bytes, find(LC_SYMTAB)),
    libraries: commands
      .filter(({ type }) => type === LC_LOAD_DYLIB)
      .map(({ at }) => textAt(bytes, at + bytes.readUInt32LE(at + 8))),
    oldest: isForMac ? versionOf(bytes.readUInt32LE(build.at + 12)) : null,
    isSignedAdHoc: isSignedAdHoc(bytes, findCodeDirectory(bytes, commands))
  }
}

module.exports = { findCodeDirectory, findExports, inspectMachO, walkExports }
