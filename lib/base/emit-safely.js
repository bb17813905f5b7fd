'use strict'
// What a listener throws becomes an uncaught exception, as with any emitter, but
// later: what is being done when it is called has to be finished first.

/** @param {unknown} error */
function throwUncaught(error) {
  queueMicrotask(() => {
    throw error
  })
}

/**
 * Emits; what a listener throws is an uncaught exception.
 * @param {import('node:events').EventEmitter} emitter
 * @param {string} event
 * @param {...unknown} values
 */
function emitSafely(emitter, event, ...values) {
  try {
    emitter.emit(event, ...values)
  } catch (error) {
    throwUncaught(error)
  }
}

module.exports = { emitSafely, throwUncaught }
