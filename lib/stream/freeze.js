'use strict'

/**
 * Freezes what was received, with all that is in it: plain objects and lists,
 * as JSON makes them, however deep.
 * @param {T} value
 * @returns {T}
 * @template T
 */
function freeze(value) {
  const rest = [value]
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next === 'object' && next !== null) {
      Object.freeze(next)
      for (const key of Object.keys(next)) {
        rest.push(next[key])
      }
    }
  }
  return value
}

module.exports = { freeze }
