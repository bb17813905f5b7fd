'use strict'
// The package `ws`, and nothing in its place: Bun has a module of that name of
// its own, which has no bounds for the pieces of a message.

const { lazy } = require('../base/load.js')

function find() {
  if (process.versions.bun !== undefined) {
    try {
      const { createRequire } = require('node:module')
      const path = require('node:path')
      // By its file, and so that no bundler takes this for one of its own.
      const from = createRequire(__filename)
      return from(path.dirname(from.resolve('ws/package.json')))
    } catch {
      // In a bundle there may be none, and Bun's own has to do.
    }
  }
  return require('ws')
}

// With it come http, https, net, tls, zlib and crypto: far more than a client of
// the ring needs.
const loadWs = lazy(find, 'the package ws')

module.exports = { loadWs }
