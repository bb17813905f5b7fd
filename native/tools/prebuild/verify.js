'use strict'
// What must be true of an addon whatever compiled it: whom it is for, that it
// asks for nothing that the oldest system of its kind lacks, and that it shows
// nothing but what Node looks for.

const { exportsOfElf } = require('./elf.js')
const { inspectMachO } = require('./mach-o.js')
const { inspectPe } = require('./pe.js')
const { wrongWithBytes } = require('../../../lib/shm/addon-file.js')
const { readElf } = require('../../../lib/shm/elf.js')

// What Node looks for in an addon.
const EXPORTED = [
  'napi_register_module_v1',
  'node_api_module_get_api_version_v1'
]
const OLDEST_GLIBC = [2, 17]
// musl has one for all, and the loader knows it by this name.
const LINUX_LIBRARIES = {
  glibc: ['libc.so.6', 'libpthread.so.0'],
  musl: ['libc.so']
}
const OLDEST_MACOS = '11.0'
const MACOS_LIBRARIES = ['/usr/lib/libSystem.B.dylib']
const IS_NODES = /^(napi|node_api|uv)_/
// What every Windows has, the C library in its parts too.
const WINDOWS_LIBRARIES =
  /^(kernel32|ntdll|advapi32|bcrypt|userenv|msvcrt|ucrtbase|api-ms-win-crt-[a-z0-9-]+)\.dll$/i

// What Node calls the system that binding.gyp calls so.
const PLATFORMS = { linux: 'linux', mac: 'darwin', win: 'win32' }

const others = (names, isFine) => {
  const found = names.filter((name) => !isFine(name))
  return found.length === 0 ? null : found.join(', ')
}

/** A clause when something is wrong with what it shows. */
function wrongWithExports(exported) {
  const missing = others(EXPORTED, (name) => exported.includes(name))
  if (missing !== null) return `does not export ${missing}`
  const more = others(exported, (name) => EXPORTED.includes(name))
  return more === null ? null : `exports ${more}`
}

/** The versions of glibc's symbols that are asked for. */
const glibcVersions = (bytes) =>
  [
    ...bytes.toString('latin1').matchAll(/\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0/g)
  ].map(([, major, minor]) => [Number(major), Number(minor)])

// Clang calls compiler-rt for atomic words where it finds such a GCC, also zig's
// for what zig itself compiles, and the linker shows all of compiler-rt then.
const BY_GCC =
  '; a GCC for arm64 that is installed (gcc-aarch64-linux-gnu) has zig do that: ' +
  'remove it, and .cache/zig-cache'

function wrongOnLinux({ arch, libc }, bytes) {
  const { hasTls, needed } = readElf(bytes)
  const library = others(needed, (one) => LINUX_LIBRARIES[libc].includes(one))
  if (library !== null) return `is linked to ${library}`
  // Thread-local variables need room that a process may be out of when it
  // loads an addon; and the C library's errno must not be one of ours.
  if (hasTls) return 'has thread-local variables'
  const [major, minor] = OLDEST_GLIBC
  const isNewer = ([a, b]) => a > major || (a === major && b > minor)
  const newer = glibcVersions(bytes).find(isNewer)
  if (newer !== undefined) return `needs glibc ${newer.join('.')}`
  const shown = wrongWithExports(exportsOfElf(bytes))
  return shown !== null && arch === 'arm64' ? shown + BY_GCC : shown
}

function wrongOnMac({ arch }, bytes) {
  const file = inspectMachO(bytes)
  const library = others(file.libraries, (one) => MACOS_LIBRARIES.includes(one))
  if (library !== null) return `is linked to ${library}`
  if (file.oldest !== OLDEST_MACOS) return `needs macOS ${file.oldest}`
  // All else is of the system's library, as the linker knows it.
  const asked = others(file.fromProcess, (name) => IS_NODES.test(name))
  if (asked !== null) return `asks the process for ${asked}`
  if (arch === 'arm64' && !file.isSignedAdHoc) return 'is not signed ad hoc'
  return wrongWithExports(file.exported)
}

function wrongOnWindows(target, bytes) {
  const { exported, libraries } = inspectPe(bytes)
  const library = others(libraries, (one) => WINDOWS_LIBRARIES.test(one))
  if (library !== null) return `is linked to ${library}`
  return wrongWithExports(exported)
}

const SYSTEMS = { linux: wrongOnLinux, mac: wrongOnMac, win: wrongOnWindows }

function wrongWith(target, bytes) {
  const { system, arch, libc } = target
  const platform = PLATFORMS[system]
  return (
    wrongWithBytes(bytes, { platform, arch, libc }) ??
    SYSTEMS[system](target, bytes)
  )
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

module.exports = { EXPORTED, verify }
