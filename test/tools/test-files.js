'use strict'
// Where the tests stand, for what runs them and for what lists them.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')

/** How many things are done side by side. */
const CPUS = os.cpus().length

/** make's arguments that build the C tests, for ROOT as working directory. */
const MAKE_C_TESTS = ['-s', `-j${CPUS}`, '-C', path.join('test', 'c')]

/** The test files in a folder of ROOT and those below it, relative to ROOT. */
function findTests(folder) {
  const entries = fs.readdirSync(path.join(ROOT, folder), {
    withFileTypes: true
  })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) return findTests(file)
    return entry.name.endsWith('.test.js') ? [file] : []
  })
}

module.exports = { CPUS, findTests, MAKE_C_TESTS, ROOT }
