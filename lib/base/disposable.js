'use strict'

const { define } = require('./own.js')

/**
 * Gives a class with a close() the methods of `using` and `await using`.
 * @param {Function} Class
 */
function makeDisposable(Class) {
  for (const name of [Symbol.dispose, Symbol.asyncDispose]) {
    // Node 18 has neither symbol.
    if (name !== undefined) {
      const dispose = function dispose() {
        return this.close()
      }
      define(Class.prototype, name, dispose)
    }
  }
}

module.exports = { makeDisposable }
