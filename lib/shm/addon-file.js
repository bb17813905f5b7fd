'use strict'
// Whether an addon's file may be given to the system's loader, and for which
// processor and C library this process needs one.

const fs = require('node:fs')
const { readElf } = require('./elf.js')
const { lazy } = require('../base/load.js')

const binaries = lazy(() => require('./binary.js'))

// Of the systems whose files are looked at, what people call them and what they
// call such a file.
const SYSTEMS = { linux: 'Linux', darwin: 'macOS', win32: 'Windows' }
const FORMATS = { linux: 'ELF', darwin: 'Mach-O', win32: 'PE' }

// Enough for a program's headers and the name of its loader.
const BEGINNING = 4096

/** The first bytes of the program that runs, or none. */
function ownBeginning() {
  const bytes = Buffer.alloc(BEGINNING)
  let fd
  try {
    fd = fs.openSync(process.execPath, 'r')
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, BEGINNING, 0))
  } catch {
    // Node's permission model may forbid it.
    return bytes.subarray(0, 0)
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

/** From Node's report on itself, which takes longer to make. */
function libcInReport() {
  const { report } = process
  if (typeof report?.getReport !== 'function') return null
  const had = report.excludeNetwork
  // Without this it asks for the names of all peers.
  report.excludeNetwork = true
  const { header, sharedObjects } = report.getReport()
  report.excludeNetwork = had
  if (header.glibcVersionRuntime !== undefined) return 'glibc'
  const isMusl = (file) => /\bld-musl-|\blibc\.musl-/.test(file)
  return (sharedObjects ?? []).some(isMusl) ? 'musl' : null
}

/** The C library that something named here belongs to. */
function libcOf(names) {
  if (names.some((name) => /^ld-musl-|^libc\.(so$|musl-)/.test(name))) {
    return 'musl'
  }
  return names.some((name) => /^ld-linux|^ld64\.so|^libc\.so\.6$/.test(name))
    ? 'glibc'
    : null
}

function findOwnLibc() {
  if (process.platform !== 'linux') return null
  const loader = readElf(ownBeginning())?.interpreter?.split('/').pop()
  return libcOf(loader === undefined ? [] : [loader]) ?? libcInReport()
}

let found

/**
 * The C library of this process; null on a system that has one only, or when
 * it cannot be told.
 * @returns {'glibc' | 'musl' | null}
 */
function ownLibc() {
  found ??= { libc: findOwnLibc() }
  return found.libc
}

/**
 * @param {Buffer} bytes
 * @param {object} process
 * @param {'linux' | 'darwin' | 'win32'} process.platform
 * @param {string} process.arch as in process.arch
 * @param {'glibc' | 'musl' | null} process.libc
 * @returns {string | null} why such a process must not load these bytes, as a
 *   clause
 */
function wrongWithBytes(bytes, { platform, arch, libc }) {
  // On Linux it is one of its own, all but always.
  const elf = platform === 'linux' ? readElf(bytes) : null
  const binary = elf ?? binaries().readBinary(bytes)
  if (binary === null) {
    return (
      `is no addon for ${SYSTEMS[platform]} (it has no ` +
      `${FORMATS[platform]} header)`
    )
  }
  if (binary.system !== platform) {
    const [other, own] = [SYSTEMS[binary.system], SYSTEMS[platform]]
    return `is for ${other}, and this process runs on ${own}`
  }
  if (binary.arch !== null && binary.arch !== arch) {
    return `is for ${binary.arch}, and this process is for ${arch}`
  }
  if (!binary.isWhole) return 'is not whole: a part of the file is missing'
  const needed = libcOf(binary.needed ?? [])
  if (libc !== null && needed !== null && needed !== libc) {
    return `is for ${needed}, and this process uses ${libc}`
  }
  return null
}

/**
 * Reads a file that may be an addon.
 * @param {string} file
 * @returns {string | null} why it must not be loaded, as a clause; null when
 *   it may be, or cannot be read: then loading it says why
 */
function wrongWithFile(file) {
  const { platform, arch } = process
  if (!Object.hasOwn(SYSTEMS, platform)) return null
  let bytes
  try {
    bytes = fs.readFileSync(file)
  } catch {
    return null
  }
  return wrongWithBytes(bytes, { platform, arch, libc: ownLibc() })
}

/**
 * What this process needs, as the folders of prebuilds/ are called.
 * @returns {string}
 */
function ownTarget() {
  const musl = ownLibc() === 'musl' ? '-musl' : ''
  return `${process.platform}-${process.arch}${musl}`
}

module.exports = { ownTarget, wrongWithBytes, wrongWithFile }
