'use strict'

const { define } = require('./own.js')

/**
 * Gives an emitter with a close() the methods of `using` and `await using`, and
 * dispose(), as editors call it: behind that, no listener is called.
 * @param {Function} Class
 */
function makeDisposable(Class) {
  define(Class.prototype, 'dispose', function dispose() {
    this.removeAllListeners()
    this.close()
  })
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
