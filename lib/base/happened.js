'use strict'
// A promise of an event. That of node:events resolves with a list, and where
// every object has a `then` such a promise never settles.

/**
 * @param {import('node:events').EventEmitter} emitter
 * @param {string} event
 * @returns {Promise<void>} rejects with what the emitter's 'error' says
 */
function happened(emitter, event) {
  return new Promise((resolve, reject) => {
    function onEvent() {
      emitter.removeListener('error', onError)
      resolve()
    }
    function onError(error) {
      emitter.removeListener(event, onEvent)
      reject(error)
    }
    emitter.once(event, onEvent)
    emitter.once('error', onError)
  })
}

module.exports = { happened }
