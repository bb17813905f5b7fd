'use strict'
// What an addon for Windows asks of the system and shows to it. The file is one
// that lib/shm/pe.js calls whole, and our own compiler made it.

const { headerOf, sectionsOf } = require('../../../lib/shm/pe.js')

const OPTIONAL_HEADER = 24
// In the optional header of a 64-bit file.
const DIRECTORIES = 112
const EXPORTS = 0
const IMPORTS = 1
const DELAYED_IMPORTS = 13
const IMPORT_BYTES = 20
const DELAYED_IMPORT_BYTES = 32

function textAt(bytes, at) {
  return bytes.toString('latin1', at, bytes.indexOf(0, at))
}

/** Reads at addresses of memory, as most numbers in a PE file are. */
function readerOf(bytes) {
  const header = headerOf(bytes)
  const sections = sectionsOf(bytes, header)
  const place = (address) => {
    const section = sections.find(
      (one) => one.address <= address && address < one.address + one.size
    )
    if (section === undefined) throw new Error(`no section has ${address}`)
    return section.offset + address - section.address
  }
  const directories = header + OPTIONAL_HEADER + DIRECTORIES
  return {
    directory: (index) => bytes.readUInt32LE(directories + index * 8),
    number: (address) => bytes.readUInt32LE(place(address)),
    text: (address) => textAt(bytes, place(address))
  }
}

/** The libraries of a table whose entries have the name at an offset. */
function librariesIn({ number, text }, table, bytes, offset) {
  const names = []
  if (table === 0) return names
  for (let at = table; number(at + offset) !== 0; at += bytes) {
    names.push(text(number(at + offset)))
  }
  return names
}

/**
 * @param {Buffer} bytes
 * @returns {{ exported: string[], libraries: string[] }}
 */
function inspectPe(bytes) {
  const file = readerOf(bytes)
  const { directory, number, text } = file
  const table = directory(EXPORTS)
  const count = table === 0 ? 0 : number(table + 24)
  const names = count === 0 ? 0 : number(table + 32)
  return {
    exported: Array.from({ length: count }, (_, index) =>
      text(number(names + index * 4))
    ),
    libraries: [
      ...librariesIn(file, directory(IMPORTS), IMPORT_BYTES, 12),
      ...librariesIn(file, directory(DELAYED_IMPORTS), DELAYED_IMPORT_BYTES, 4)
    ]
  }
}

module.exports = { inspectPe }
