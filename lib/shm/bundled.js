'use strict'
// What a bundler has done to the addon, whose file it has to copy, and the line
// that mends it.

const fs = require('node:fs')
const path = require('node:path')

const ESBUILD = 'esbuild: --loader:.node=copy, and no --external for it'
const WEBPACK = "webpack: the rule { test: /\\.node$/, loader: 'node-loader' }"
const ROLLUP = 'rollup: the plugin in docs/platforms.md'

// webpack alone can be told.
const ways =
  typeof __webpack_require__ === 'function'
    ? WEBPACK
    : `${ESBUILD}; ${WEBPACK}; ${ROLLUP}`
const MEND = `let the bundler copy files that end in .node (${ways})`

/** The addon's file is something else than an addon in this bundle. */
const REPLACED = `a bundler replaced it; ${MEND}`

/** @param {string} target @returns {string} a sentence without a full stop */
const leftOut = (target) =>
  `there is no native addon for ${target} in this bundle: the bundler left it ` +
  `out, or the package that it took had none; ${MEND}`

/** The bundler has copied it under this name, and the copy is missing. */
const notShipped = (name) =>
  `the bundle is here without ${path.basename(name)}; ship that file beside it`

// How a package says which of its files it requires.
const UNCHANGED = /[\\/](build|prebuilds)[\\/]/

/** What an error of require() asked for, as far as it says so. */
const requestOf = ({ message }) =>
  /^Cannot find module '([^']+)'/.exec(message)?.[1] ?? ''

/**
 * @param {Error} error of require() of an addon in a bundle, MODULE_NOT_FOUND
 * @returns {boolean} whether a bundler has copied the addon, and the copy is
 *   missing
 */
const isCopyMissing = (error) =>
  requestOf(error).endsWith('.node') && !UNCHANGED.test(requestOf(error))

/**
 * @param {Error} error of loading an addon in a bundle
 * @returns {string | null} what the bundler has to do with it, as a clause
 */
function whyNotInBundle(error) {
  const { code, message } = error
  if (code === 'MODULE_NOT_FOUND') return notShipped(requestOf(error))
  // By webpack, in the place of a file that it has no loader for.
  if (message.startsWith('Module parse failed')) return REPLACED
  if (/require is not defined|^Dynamic require of /.test(message)) {
    return `this bundle is an ES module that has no require(); ${MEND}`
  }
  // The loaders of bundlers give the system the path of their copy.
  const file = /\S+\.node/.exec(message)?.[0] ?? ''
  return path.isAbsolute(file) && !fs.existsSync(file) ? notShipped(file) : null
}

module.exports = { isCopyMissing, leftOut, REPLACED, whyNotInBundle }
