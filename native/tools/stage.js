'use strict'
// Puts beside the sources what a package carries that a clone does not: a
// binding.gyp that compiles in native/ (one at the top would make package
// managers compile, without being asked), the headers that it needs, and the
// addons with their checksums. All of it is ignored by git.

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const ADDON = 'kindly_guard_ipc.node'
const PREBUILDS = 'prebuilds'
const CHECKSUMS = 'SHA256SUMS'

const HEADERS = 'node-addon-api'
const HEADER_FILE = /\.h$|^LICENSE/

/** Writes a file so that nobody ever sees a half of it. */
function replaceFile(file, content) {
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const beside = `${file}.${process.pid}`
  try {
    fs.writeFileSync(beside, content, { mode: 0o644 })
    fs.renameSync(beside, file)
  } finally {
    fs.rmSync(beside, { force: true })
  }
}

/**
 * Replaces an addon. Processes that have loaded the old one keep it: written
 * into, it would change under their feet.
 * @param {Buffer} bytes
 * @param {string} file
 */
const putAddon = (bytes, file) => replaceFile(file, bytes)

/** binding.gyp with all paths relative to native/, and the headers there. */
function nativeGyp(root) {
  const text = fs.readFileSync(path.join(root, 'binding.gyp'), 'utf8')
  const gyp = JSON.parse(text, (key, value) => {
    if (key === 'include_dirs') return [HEADERS]
    if (key !== 'sources') return value
    return value.map((file) => path.posix.relative('native', file))
  })
  return `${JSON.stringify(gyp, null, 2)}\n`
}

/**
 * Makes native/ compile by itself. In a package that is installed it does
 * already, and nothing is done.
 * @param {string} root the clone
 */
function stage(root) {
  if (!fs.existsSync(path.join(root, 'binding.gyp'))) return
  const native = path.join(root, 'native')
  replaceFile(path.join(native, 'binding.gyp'), nativeGyp(root))
  const manifest = require.resolve('node-addon-api/package.json', {
    paths: [root]
  })
  const from = path.dirname(manifest)
  for (const name of fs.readdirSync(from)) {
    if (!HEADER_FILE.test(name)) continue
    const content = fs.readFileSync(path.join(from, name))
    replaceFile(path.join(native, HEADERS, name), content)
  }
}

/**
 * Writes the checksums of all addons that are there, as `sha256sum -c` reads
 * them.
 * @param {string} root
 */
function writeChecksums(root) {
  const dir = path.join(root, PREBUILDS)
  const lines = fs
    .readdirSync(dir)
    .map((target) => path.posix.join(target, ADDON))
    .filter((file) => fs.existsSync(path.join(dir, file)))
    .sort()
    .map((file) => {
      const bytes = fs.readFileSync(path.join(dir, file))
      return `${createHash('sha256').update(bytes).digest('hex')}  ${file}\n`
    })
  replaceFile(path.join(dir, CHECKSUMS), lines.join(''))
}

module.exports = {
  ADDON,
  PREBUILDS,
  putAddon,
  replaceFile,
  stage,
  writeChecksums
}
