'use strict'
// The package `ws`, and nothing in its place: Bun has a module of that name of
// its own, which has no bounds for the pieces of a message.

const { createRequire } = require('node:module')
const path = require('node:path')

function load() {
  if (process.versions.bun !== undefined) {
    try {
      // By its file, and so that no bundler takes this for one of its own.
      const find = createRequire(__filename)
      return find(path.dirname(find.resolve('ws/package.json')))
    } catch {
      // In a bundle there may be none, and Bun's own has to do.
    }
  }
  return require('ws')
}

module.exports = load()
