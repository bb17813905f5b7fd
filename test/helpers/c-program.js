'use strict'
// Programs in C over the library's sources, for tests that hold C against
// JavaScript.

const { execFile } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { promisify } = require('node:util')
const { ROOT } = require('../tools/test-files.js')

const COMPILING_MS = 120_000
const FOLDERS = ['base', 'text', 'ring', 'file']

const sourcesIn = (folder, pattern = /./) =>
  fs
    .readdirSync(path.join(ROOT, 'native', folder))
    .filter((name) => name.endsWith('.c') && pattern.test(name))
    .map((name) => path.join(ROOT, 'native', folder, name))

/**
 * Compiles a program along with the core.
 * @param {string} target
 * @param {string[]} source below test/
 * @param {{ zlib?: boolean }} [options] whether the core has zlib
 */
async function compileC(target, source, { zlib = false } = {}) {
  await promisify(execFile)('cc', [
    ...['-std=c11', '-D_GNU_SOURCE', '-pthread'],
    ...(zlib ? ['-DKG_WITH_ZLIB'] : []),
    ...['-I', path.join(ROOT, 'native', 'include'), '-o', target],
    path.join(ROOT, 'test', ...source),
    ...FOLDERS.flatMap((folder) => sourcesIn(folder)),
    ...sourcesIn('platform', /^(linux|posix)/),
    ...(zlib ? ['-lz'] : [])
  ])
}

module.exports = { compileC, COMPILING_MS }
