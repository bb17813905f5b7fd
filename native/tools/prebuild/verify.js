'use strict'
// What must be true of an addon whatever compiled it: whom it is for, and that
// it asks for nothing that the oldest system of its kind lacks.

const { wrongWithElf } = require('../../../lib/shm/addon-file.js')
const { readElf } = require('../../../lib/shm/elf.js')

const OLDEST_GLIBC = [2, 17]

/** The versions of glibc's symbols that are asked for. */
const glibcVersions = (bytes) =>
  [
    ...bytes.toString('latin1').matchAll(/\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0/g)
  ].map(([, major, minor]) => [Number(major), Number(minor)])

function wrongWith({ arch, libc }, bytes) {
  const wrong = wrongWithElf(bytes, arch, libc)
  if (wrong !== null) return wrong
  // Thread-local variables need room that a process may be out of when it
  // loads an addon; and the C library's errno must not be one of ours.
  if (readElf(bytes).hasTls) return 'has thread-local variables'
  const [major, minor] = OLDEST_GLIBC
  const isNewer = ([a, b]) => a > major || (a === major && b > minor)
  const newer = glibcVersions(bytes).find(isNewer)
  return newer === undefined ? null : `needs glibc ${newer.join('.')}`
}

/**
 * @param {import('./targets.js').Target} target
 * @param {Buffer} bytes
 * @throws {Error} when it is not what the target says
 */
function verify(target, bytes) {
  const wrong = wrongWith(target, bytes)
  if (wrong !== null) throw new Error(`the addon for ${target.name} ${wrong}`)
}

module.exports = { verify }
