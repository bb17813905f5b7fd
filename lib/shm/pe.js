'use strict'
// What a PE file (Windows) says of itself.

const DOS_HEADER_BYTES = 64
const DOS_MAGIC = 0x5a4d
const MAGIC = 0x00004550
// From the magic to the optional header, which differs in its size.
const HEADER_BYTES = 24
const SECTION_BYTES = 40

const ARCHITECTURES = { 0x8664: 'x64', 0xaa64: 'arm64', 0x14c: 'ia32' }

/**
 * @typedef {object} Section
 * @property {number} address where it lies in memory, from the file's base
 * @property {number} offset where it lies in the file
 * @property {number} size its bytes in the file
 */

/** Where the PE header begins, or -1. */
function headerOf(bytes) {
  if (bytes.length < DOS_HEADER_BYTES || bytes.readUInt16LE(0) !== DOS_MAGIC) {
    return -1
  }
  const at = bytes.readUInt32LE(60)
  const isThere = at + HEADER_BYTES <= bytes.length
  return isThere && bytes.readUInt32LE(at) === MAGIC ? at : -1
}

/**
 * @param {Buffer} bytes
 * @param {number} header headerOf()'s
 * @returns {Section[] | null} null when not all of their headers are there
 */
function sectionsOf(bytes, header) {
  const count = bytes.readUInt16LE(header + 6)
  const begin = header + HEADER_BYTES + bytes.readUInt16LE(header + 20)
  if (begin + count * SECTION_BYTES > bytes.length) return null
  return Array.from({ length: count }, (_, index) => {
    const at = begin + index * SECTION_BYTES
    return {
      address: bytes.readUInt32LE(at + 12),
      size: bytes.readUInt32LE(at + 16),
      offset: bytes.readUInt32LE(at + 20)
    }
  })
}

/** Whether all sections are in the file, and the last one was written. */
function areThere(bytes, sections) {
  const inFile = sections.filter(({ size }) => size > 0)
  if (inFile.some(({ offset, size }) => offset + size > bytes.length)) {
    return false
  }
  const [last] = inFile.sort((a, b) => b.offset - a.offset)
  const content = bytes.subarray(last?.offset, last?.offset + last?.size)
  return content.some((byte) => byte !== 0)
}

/**
 * @param {Buffer} bytes
 * @returns {import('./binary.js').Binary | null} null when it is no PE file
 */
function readPe(bytes) {
  const header = headerOf(bytes)
  if (header < 0) return null
  const machine = bytes.readUInt16LE(header + 4)
  const sections = sectionsOf(bytes, header)
  return {
    system: 'win32',
    arch: ARCHITECTURES[machine] ?? `processor ${machine}`,
    isWhole: sections !== null && areThere(bytes, sections)
  }
}

module.exports = { headerOf, readPe, sectionsOf }
