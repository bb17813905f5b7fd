'use strict'
// The package where every user can read it. A clone may stand in a directory
// that only its owner enters, and tests of other users need it all the same.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const { dependencies } = require('../../package.json')
const NEEDED = [
  'package.json',
  'lib',
  'build/Release',
  'test/helpers',
  ...Object.keys(dependencies).map((name) => `node_modules/${name}`)
]
const ADDON_OR_SOURCE = /\.(node|[cm]?js|json)$/

let copy = null

/** @returns {string} the copy's root; it goes with this process */
function publicCopy() {
  if (copy === null) {
    copy = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-public-'))
    fs.chmodSync(copy, 0o755)
    process.on('exit', () => fs.rmSync(copy, { recursive: true }))
    for (const name of NEEDED) {
      fs.cpSync(path.join(ROOT, name), path.join(copy, name), {
        recursive: true,
        filter: (from) =>
          ADDON_OR_SOURCE.test(from) ||
          (fs.statSync(from).isDirectory() && !from.includes('obj.target'))
      })
    }
  }
  return copy
}

module.exports = { publicCopy }
