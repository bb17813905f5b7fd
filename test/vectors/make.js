'use strict'
// Writes the test vectors: each ring, NAME.bin, and what must come out of it,
// NAME.json. Makes the same bytes each time.

const fs = require('node:fs')
const path = require('node:path')
const { makeAll } = require('./cases.js')

/** @returns {Map<string, string | Buffer>} by the name of the file */
function makeFiles() {
  const files = new Map()
  for (const [name, scenario] of makeAll()) {
    files.set(`${name}.bin`, scenario.ring.bytes)
    files.set(`${name}.json`, `${JSON.stringify(scenario, null, 2)}\n`)
  }
  return files
}

if (require.main === module) {
  for (const [name, content] of makeFiles()) {
    fs.writeFileSync(path.join(__dirname, name), content)
  }
}

module.exports = { makeFiles }
