'use strict'
// A copy of parts of this clone, for what has to compile or run apart from it.

const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('./test-files.js')

/**
 * @param {string} dir where the copy goes, an empty folder
 * @param {string[]} names files and folders, without what was built in them
 */
function copyClone(dir, names) {
  for (const name of names) {
    fs.cpSync(path.join(ROOT, name), path.join(dir, name), {
      recursive: true,
      filter: (file) => path.basename(file) !== 'build'
    })
  }
  const modules = path.join(ROOT, 'node_modules')
  fs.symlinkSync(modules, path.join(dir, 'node_modules'))
}

module.exports = { copyClone }
