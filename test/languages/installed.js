'use strict'
// The library for C as `make install` leaves it, once for all of these tests.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { version } = require('../../package.json')
const { ROOT } = require('../tools/test-files.js')

const NATIVE = path.join(ROOT, 'native')
const NAME = 'kindly-guard-ipc'

let prefix

/** @returns {string} where it is installed */
function installedPrefix() {
  if (prefix !== undefined) return prefix
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-installed-'))
  process.once('exit', () => fs.rmSync(work, { recursive: true, force: true }))
  const to = path.join(work, 'prefix')
  const places = [`BUILD=${path.join(work, 'build')}`, `PREFIX=${to}`, 'ZLIB=1']
  execFileSync('make', ['-s', '-C', NATIVE, 'install', ...places])
  prefix = to
  return prefix
}

/** What a program needs to find the shared library where `prefix` is. */
const environmentOf = (where) => ({
  ...process.env,
  LD_LIBRARY_PATH: path.join(where, 'lib')
})

/** @returns {string[]} what pkg-config says to a compiler */
function flagsOf(where) {
  const found = path.join(where, 'lib', 'pkgconfig')
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', NAME], {
    encoding: 'utf8',
    env: { ...process.env, PKG_CONFIG_PATH: found }
  })
  return flags.trim().split(/\s+/)
}

/** @returns {string} the shared library */
const libraryOf = (where) =>
  path.join(where, 'lib', `libkindly_guard_ipc.so.${version.split('.')[0]}`)

module.exports = { environmentOf, flagsOf, installedPrefix, libraryOf }
