'use strict'
// Makes text of unknown origin safe to show. A threat's text was written by an
// attacker: shown as it is, it could hide itself, reverse the reading order of
// its line, drive a terminal, or become a link that runs a command of the
// editor. So every character that is not plainly visible is spelled out, and
// what a place of display would take for its own is broken up.

const { invalid, show } = require('./errors.js')
const { isPlain } = require('./own.js')
const { isWindows } = require('./windows.js')

// \p{C} is controls (C0, C1, DEL), format characters (bidi, zero-width, tags),
// lone surrogates, private use and unassigned. Default-ignorable ones
// (fillers, variation selectors) and the blank Braille cell show nothing
// either, and all spaces but the ordinary one look like it. Of marks that stand
// on one letter, no language needs more than eight; more of them cover the
// lines above and below.
const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{2800}]|(?! )\p{Zs}|(?<=\p{M}{8})\p{M}/gu

// A backslash is doubled, so that text cannot pretend to have been spelled out.
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
 * Spells out everything that is not visible, for one line.
 * @param {string} text
 * @param {(spelled: string) => string} [paint] how to mark what was spelled
 *   out; without it, it is not marked
 * @returns {string}
 */
function spellOut(text, paint = String) {
  return PLAIN.test(text)
    ? text
    : text.replace(HIDDEN_OR_BACKSLASH, (character) => paint(spell(character)))
}

/**
 * The same of text that has paths in it, whose backslashes stay on Windows.
 * @param {string} text
 * @returns {string}
 */
const spellOutPaths = (text) =>
  isWindows ? text.replace(HIDDEN, spell) : spellOut(text)

const ELLIPSIS = '\u2026'

// The most units that one character has as people count: a letter and its
// marks, two letters that are a flag. What is longer is no text.
const MOST_UNITS = 24

/** The characters of a piece of text, which are not to be cut, as people count:
 * one, unless it was spelled out. */
const widthOf = (piece, spelled) =>
  piece === spelled && piece.length <= MOST_UNITS ? 1 : [...spelled].length

/**
 * Spells text out and cuts it to so many characters, the last of them an
 * ellipsis then.
 * @param {string} text
 * @param {number} limit
 * @returns {string}
 */
function spellAndCut(text, limit) {
  const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })
  let shown = ''
  let used = 0
  let fitting = '' // in front of an ellipsis
  for (const { segment } of graphemes.segment(text)) {
    const spelled = spellOut(segment)
    used += widthOf(segment, spelled)
    if (used > limit) {
      return fitting + ELLIPSIS
    }
    shown += spelled
    if (used < limit) {
      fitting = shown
    }
  }
  return shown
}

/** ASCII punctuation is all that markup is made of; a reference to a character
 * never is a part of it. Spaces that are more than one, or on the outside, would
 * be structure, or collapse. */
const asMarkdown = (text) =>
  text.replace(
    /[!-/:-@[-`{-~]|^ | (?= )| $/g,
    (character) => `&#${character === ' ' ? 160 : character.charCodeAt(0)};`
  )

/** What a place makes of text beside its characters, broken up: `before` they
 * are spelled out and counted, or `behind` it. */
const same = (text) => text
const PLACES = new Map([
  ['plain', { before: same, behind: same }],
  ['terminal', { before: same, behind: same }],
  ['markdown', { before: same, behind: asMarkdown }],
  [
    'notification',
    // Links are `[label](url)`, icons `$(name)`.
    { before: (text) => text.replace(/[\]$](?=\()/g, '$& '), behind: same }
  ]
])

function checkOptions(options) {
  const isOptions = isPlain(options)
  const given = { __proto__: null, ...(isOptions ? options : {}) }
  const { for: place = 'plain', limit = Infinity } = given
  if (!isOptions || !PLACES.has(place)) {
    const places = [...PLACES.keys()].join(', ')
    throw invalid(
      TypeError,
      'ERR_INVALID_ARGUMENT',
      `for: expected ${places}, got ${show(isOptions ? place : options)}`
    )
  }
  if (limit !== Infinity && !(Number.isSafeInteger(limit) && limit >= 1)) {
    throw invalid(
      typeof limit === 'number' ? RangeError : TypeError,
      'ERR_INVALID_ARGUMENT',
      `limit: expected a whole number from 1, got ${show(limit)}`
    )
  }
  return { place: PLACES.get(place), limit }
}

/**
 * Text of a threat, safe to show in one line.
 * @param {string} text
 * @param {object} [options]
 * @param {'plain' | 'terminal' | 'markdown' | 'notification'} [options.for]
 *   where it is shown; default `plain`. In `markdown` every mark is a reference
 *   to a character, so that it is text and no link, picture, HTML or icon; in a
 *   `notification`, and in whatever else takes `$(icon)`s, links and icons are
 *   broken by a space
 * @param {number} [options.limit] the most characters, as people count, of what
 *   is shown; the last one is an ellipsis when it was cut. Default: no limit
 * @returns {string} with what is not plainly visible spelled out: `\u{202e}`,
 *   `\n`, `\\`
 * @throws {TypeError | RangeError} ERR_INVALID_ARGUMENT
 */
function displayText(text, options = {}) {
  if (typeof text !== 'string') {
    throw invalid(
      TypeError,
      'ERR_INVALID_ARGUMENT',
      `text: expected a string, got ${show(text)}`
    )
  }
  const { place, limit } = checkOptions(options)
  // A threat may have megabytes; what is behind this is cut in any case.
  const start = text.slice(0, (limit + 1) * MOST_UNITS)
  const whole = place.before(start)
  return place.behind(
    limit === Infinity ? spellOut(whole) : spellAndCut(whole, limit)
  )
}

module.exports = { displayText, HIDDEN, PLAIN, spellOut, spellOutPaths }
