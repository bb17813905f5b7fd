'use strict'
// JSON that is safe to show.

const { HIDDEN, PLAIN } = require('../base/display-text.js')

/** One UTF-16 unit as JSON can have it. @param {string} unit */
const escapeUnit = (unit) =>
  `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * JSON of a value on one line. What is not visible is written as \uXXXX, which
 * any JSON parser reads back as what it was.
 * @param {unknown} value
 * @returns {string}
 */
function safeJson(value) {
  const json = JSON.stringify(value)
  if (PLAIN.test(json)) {
    return json
  }
  return json.replace(HIDDEN, (character) =>
    character.split('').map(escapeUnit).join('')
  )
}

module.exports = { safeJson }
