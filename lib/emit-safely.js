'use strict'

/**
 * Emits from the middle of something that has to come to its end: what a
 * listener throws is an uncaught exception.
 * @param {import('node:events').EventEmitter} emitter
 * @param {string} event
 * @param {...unknown} values
 */
function emitSafely(emitter, event, ...values) {
  try {
    emitter.emit(event, ...values)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

module.exports = { emitSafely }
