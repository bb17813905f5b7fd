'use strict'
// What an ELF file (Linux) says of itself. The system's loader maps what the
// header promises, and a file that ends before kills the process with SIGBUS.

const HEADER_BYTES = 64
const MAGIC = 0x7f454c46
const IS_64_BIT = 2
const IS_LITTLE_ENDIAN = 1

const ARCHITECTURES = { 62: 'x64', 183: 'arm64' }

const SEGMENT_BYTES = 56
const PT_LOAD = 1
const PT_DYNAMIC = 2
const PT_INTERP = 3
const PT_TLS = 7

const SECTION_BYTES = 64
const SHT_STRTAB = 3

const DYNAMIC_BYTES = 16
const DT_NEEDED = 1
const DT_STRTAB = 5

/**
 * @typedef {object} ElfAlone
 * @property {string | null} interpreter a program's loader
 * @property {string[]} needed the libraries that it is linked to
 * @property {boolean} hasTls whether it has thread-local variables
 *
 * @typedef {import('./binary.js').Binary & ElfAlone} Elf
 */

/** A 64-bit number of the file; one that is too large for it is not exact. */
const wide = (bytes, at) => Number(bytes.readBigUInt64LE(at))

function textAt(bytes, at) {
  const end = bytes.indexOf(0, at)
  return bytes.toString('latin1', at, end < 0 ? bytes.length : end)
}

function segmentsOf(bytes) {
  const [begin, count] = [wide(bytes, 32), bytes.readUInt16LE(56)]
  const segments = []
  for (let i = 0; i < count; i++) {
    const at = begin + i * SEGMENT_BYTES
    if (at + SEGMENT_BYTES > bytes.length) return null
    segments.push({
      type: bytes.readUInt32LE(at),
      offset: wide(bytes, at + 8),
      address: wide(bytes, at + 16),
      size: wide(bytes, at + 32)
    })
  }
  return segments
}

/** The sections are described at the very end, which is lost first. */
function hasSections(bytes) {
  const [begin, count] = [wide(bytes, 40), bytes.readUInt16LE(60)]
  if (count === 0) return true
  if (begin + count * SECTION_BYTES > bytes.length) return false
  const names = begin + bytes.readUInt16LE(62) * SECTION_BYTES
  return (
    names + SECTION_BYTES <= bytes.length &&
    bytes.readUInt32LE(names + 4) === SHT_STRTAB
  )
}

/** The libraries that the dynamic section names; what leads astray is left out. */
function neededBy(bytes, segments) {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) return []
  const entries = []
  const end = Math.min(dynamic.offset + dynamic.size, bytes.length)
  for (let at = dynamic.offset; at + DYNAMIC_BYTES <= end;) {
    entries.push([wide(bytes, at), wide(bytes, at + 8)])
    at += DYNAMIC_BYTES
  }
  const address = entries.find(([tag]) => tag === DT_STRTAB)?.[1]
  const holder = segments.find(
    (segment) =>
      segment.type === PT_LOAD &&
      segment.address <= address &&
      address < segment.address + segment.size
  )
  if (holder === undefined) return []
  const strings = holder.offset + address - holder.address
  return entries
    .filter(([tag, at]) => tag === DT_NEEDED && strings + at < bytes.length)
    .map(([, at]) => textAt(bytes, strings + at))
}

/**
 * @param {Buffer} bytes a file, or its beginning
 * @returns {Elf | null} null when it is no 64-bit little-endian ELF file
 */
function readElf(bytes) {
  if (
    bytes.length < HEADER_BYTES ||
    bytes.readUInt32BE(0) !== MAGIC ||
    bytes[4] !== IS_64_BIT ||
    bytes[5] !== IS_LITTLE_ENDIAN
  ) {
    return null
  }
  const segments = segmentsOf(bytes)
  const known = segments ?? []
  const interpreter = known.find(({ type }) => type === PT_INTERP)
  const machine = bytes.readUInt16LE(18)
  return {
    system: 'linux',
    arch: ARCHITECTURES[machine] ?? `processor ${machine}`,
    isWhole:
      segments !== null &&
      segments.every(({ offset, size }) => offset + size <= bytes.length) &&
      hasSections(bytes),
    interpreter:
      interpreter === undefined ? null : textAt(bytes, interpreter.offset),
    needed: neededBy(bytes, known),
    hasTls: known.some(({ type }) => type === PT_TLS)
  }
}

module.exports = { readElf }
