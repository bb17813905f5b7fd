'use strict'
// zig's linker for macOS shows every name that several object files share, and
// knows no list of what is to be shown. So the list of names that the system's
// loader looks into is written anew, in the place of the old one, and the file
// is signed again, as nobody: what a signature has of a file is its pages' sums.

const { createHash } = require('node:crypto')
const { commandsOf } = require('../../../lib/shm/mach-o.js')
const { findCodeDirectory, findExports, walkExports } = require('./mach-o.js')

const SHA256 = 2

/** A number in groups of seven bits. */
function leb(value) {
  const bytes = []
  do {
    const rest = Math.floor(value / 128)
    bytes.push((value % 128) + (rest > 0 ? 128 : 0))
    value = rest
  } while (value > 0)
  return Buffer.from(bytes)
}

/** The tree of one root, and of a leaf for each name with what it stands for. */
function treeOf(found) {
  const leaves = found.map(({ information }) =>
    Buffer.concat([leb(information.length), information, Buffer.of(0)])
  )
  const rootWith = (places) =>
    Buffer.concat([
      Buffer.of(0, found.length),
      ...found.flatMap(({ name }, i) => [
        Buffer.from(`${name}\0`),
        leb(places[i])
      ])
    ])
  // Numbers of one byte: it is a short list.
  let place = rootWith(found.map(() => 0)).length
  const places = leaves.map(({ length }) => {
    place += length
    return place - length
  })
  if (place > 127) throw new Error('the list of exports is too long')
  return Buffer.concat([rootWith(places), ...leaves])
}

/** Puts the sum of each page where the signature has it. */
function sign(bytes, directory) {
  const at = (field) => bytes.readUInt32BE(directory + field)
  const [hashes, count, limit] = [at(16), at(28), at(32)]
  const [hashBytes, hashType] = [bytes[directory + 36], bytes[directory + 37]]
  const pageBytes = 2 ** bytes[directory + 39]
  if (hashType !== SHA256) throw new Error(`a signature of type ${hashType}`)
  for (let page = 0; page < count; page++) {
    const begin = page * pageBytes
    const content = bytes.subarray(begin, Math.min(begin + pageBytes, limit))
    const sum = createHash('sha256').update(content).digest()
    sum.copy(bytes, directory + hashes + page * hashBytes, 0, hashBytes)
  }
}

/**
 * @param {Buffer} linked what the linker made
 * @param {string[]} names what is to be shown, as in C
 * @returns {Buffer} the same, but for what it shows
 */
function showOnly(linked, names) {
  const bytes = Buffer.from(linked)
  const commands = commandsOf(bytes)
  const directory = findCodeDirectory(bytes, commands)
  if (directory !== null) {
    sign(bytes, directory)
    if (!bytes.equals(linked)) throw new Error('its signature is another kind')
  }
  const { begin, size } = findExports(bytes, commands)
  const found = walkExports(bytes, begin).filter(({ name }) =>
    names.includes(name.replace(/^_/, ''))
  )
  if (found.length !== names.length) throw new Error('it lacks an export')
  const tree = treeOf(found)
  if (tree.length > size) throw new Error('the list of exports has no room')
  bytes.fill(tree, begin, begin + tree.length)
  bytes.fill(0, begin + tree.length, begin + size)
  if (directory !== null) sign(bytes, directory)
  return bytes
}

module.exports = { showOnly }
