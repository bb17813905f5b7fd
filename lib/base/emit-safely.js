'use strict'
// A listener's mistake, met in the middle of something that has to come to its
// end: an uncaught exception, as from any other emitter, but behind that.

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
