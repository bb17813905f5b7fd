'use strict'
// The systems for which `npm run prebuild` compiles, each with what is special
// about it. A new one is a row here, and one in lib/shm/addon.js.

const CXX = 'native/tools/prebuild/cxx.cc'

const LINUX = {
  system: 'linux',
  // `nm -D` shows nothing but what Node looks for: the C++ library that is
  // linked in must not be taken for that of another addon.
  link: [
    'cc',
    '-shared',
    '-s',
    '-Wl,--gc-sections',
    '-Wl,--version-script=native/tools/prebuild/exports.map'
  ],
  sources: [CXX]
}
const GLIBC = { ...LINUX, sources: [CXX, 'native/tools/prebuild/glibc-stat.c'] }

// zig's other name for its linker, which leaves its own memcpy and the like out:
// macOS has better ones. Node's functions are found in the process, whatever its
// name is. What is for arm64 gets signed, since no Mac loads it otherwise.
const DARWIN = {
  system: 'mac',
  link: [
    'build-lib',
    '-dynamic',
    '-OReleaseFast',
    '-fstrip',
    '-fallow-shlib-undefined',
    '-fno-compiler-rt',
    '-dead_strip',
    '-install_name',
    '@rpath/kindly_guard_ipc.node',
    '-lc'
  ],
  sources: [CXX],
  libc: null
}

// Node's functions are asked for when the addon is loaded, of the program that
// runs: see the file. What Node looks for is exported by its declaration.
const WINDOWS = {
  system: 'win',
  libc: null,
  link: ['cc', '-shared', '-s', '-Wl,--gc-sections'],
  sources: [CXX],
  imports: 'native/tools/prebuild/win32-imports.c'
}

/**
 * @typedef {object} Target
 * @property {string} name its folder in prebuilds/
 * @property {string} triple what zig calls it
 * @property {string} arch its processor, as in process.arch
 * @property {'glibc' | 'musl' | null} libc
 * @property {string} system what binding.gyp calls its system
 * @property {string[]} link zig's command that links, and arguments of it,
 *   beside binding.gyp's
 * @property {string[]} sources files of its own, beside binding.gyp's
 * @property {string} [imports] a file that is compiled behind them, and finds
 *   their list of Node's functions in functions.h
 */

/** @type {Target[]} */
const TARGETS = [
  {
    name: 'linux-x64',
    triple: 'x86_64-linux-gnu.2.17',
    arch: 'x64',
    libc: 'glibc',
    ...GLIBC
  },
  {
    name: 'linux-arm64',
    triple: 'aarch64-linux-gnu.2.17',
    arch: 'arm64',
    libc: 'glibc',
    ...GLIBC
  },
  {
    name: 'linux-x64-musl',
    triple: 'x86_64-linux-musl',
    arch: 'x64',
    libc: 'musl',
    ...LINUX
  },
  {
    name: 'linux-arm64-musl',
    triple: 'aarch64-linux-musl',
    arch: 'arm64',
    libc: 'musl',
    ...LINUX
  },
  {
    name: 'darwin-x64',
    triple: 'x86_64-macos.11.0',
    arch: 'x64',
    ...DARWIN
  },
  {
    name: 'darwin-arm64',
    triple: 'aarch64-macos.11.0',
    arch: 'arm64',
    ...DARWIN
  },
  {
    name: 'win32-x64',
    triple: 'x86_64-windows-gnu',
    arch: 'x64',
    ...WINDOWS
  },
  {
    name: 'win32-arm64',
    triple: 'aarch64-windows-gnu',
    arch: 'arm64',
    ...WINDOWS
  }
]

module.exports = { TARGETS }
