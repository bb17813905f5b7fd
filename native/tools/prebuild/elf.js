'use strict'
// What an addon for Linux shows to others. The file is one that lib/shm/elf.js
// calls whole, and our own compiler made it.

const SECTION_BYTES = 64
const SHT_DYNSYM = 11
const SYMBOL_BYTES = 24

/** A 64-bit number that is small. */
const wide = (bytes, at) => Number(bytes.readBigUInt64LE(at))

function sectionsOf(bytes) {
  const [begin, count] = [wide(bytes, 40), bytes.readUInt16LE(60)]
  return Array.from({ length: count }, (_, index) => {
    const at = begin + index * SECTION_BYTES
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: wide(bytes, at + 24),
      size: wide(bytes, at + 32),
      link: bytes.readUInt32LE(at + 40)
    }
  })
}

/** Whether it is defined here; its index of a section is 0 where it is not. */
const isDefined = (bytes, at) => bytes.readUInt16LE(at + 6) !== 0

/**
 * @param {Buffer} bytes
 * @returns {string[]} the names that the system's loader finds in it
 */
function exportsOfElf(bytes) {
  const sections = sectionsOf(bytes)
  const symbols = sections.find(({ type }) => type === SHT_DYNSYM)
  const names = sections[symbols.link].offset
  return Array.from(
    { length: symbols.size / SYMBOL_BYTES },
    (_, index) => symbols.offset + index * SYMBOL_BYTES
  )
    .filter((at) => isDefined(bytes, at))
    .map((at) => names + bytes.readUInt32LE(at))
    .map((at) => bytes.toString('latin1', at, bytes.indexOf(0, at)))
}

module.exports = { exportsOfElf }
