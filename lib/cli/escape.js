'use strict'
// Makes text of unknown origin safe to show. A threat's text was written by an
// attacker: printed as it is, it could move the cursor, recolour or retitle
// the terminal, hide itself, or reverse the reading order of its line. So every
// character that is not plainly visible is spelled out.

const { isWindows } = require('../base/windows.js')

// \p{C} is controls (C0, C1, DEL), format characters (bidi, zero-width, tags),
// lone surrogates, private use and unassigned. Default-ignorable ones
// (fillers, variation selectors) and the blank Braille cell show nothing
// either, and all spaces but the ordinary one look like it.
const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}/gu

// A backslash is doubled, so that text cannot pretend to have been escaped.
const HIDDEN_OR_BACKSLASH = new RegExp(`\\\\|${HIDDEN.source}`, 'gu')

const PLAIN = /^[\x20-\x5b\x5d-\x7e]*$/

const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

/**
 * One character as people read it.
 * @param {string} character
 * @returns {string}
 */
function spell(character) {
  if (SHORT[character] !== undefined) {
    return SHORT[character]
  }
  const hex = character.codePointAt(0).toString(16)
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`
}

/**
 * Spells out everything that is not visible, for one line on a terminal.
 * @param {string} text
 * @param {(escaped: string) => string} [paint] how to mark what was spelled
 *   out; without it, it is not marked
 * @returns {string}
 */
function escapeText(text, paint = String) {
  return PLAIN.test(text)
    ? text
    : text.replace(HIDDEN_OR_BACKSLASH, (character) => paint(spell(character)))
}

/**
 * The same of text that has paths in it, whose backslashes stay on Windows.
 * @param {string} text
 * @returns {string}
 */
const escapePaths = (text) =>
  isWindows
    ? text.replace(HIDDEN, (character) => spell(character))
    : escapeText(text)

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

module.exports = { escapePaths, escapeText, safeJson }
