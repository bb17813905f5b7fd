'use strict'
// Text in the columns of a terminal.

// What takes two columns: the scripts of East Asia, and pictures.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const MARK = /\p{M}/u
const ASCII = /^[\x20-\x7e]*$/

function widthOf(character) {
  if (MARK.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/**
 * Text that is so many columns wide: cut, or filled with spaces.
 * @param {string} text without control characters
 * @param {number} width
 * @param {'left' | 'right'} [side] where the text stands
 * @returns {string}
 */
function fit(text, width, side = 'left') {
  if (width <= 0) return ''
  let shown = ''
  let used = 0
  if (ASCII.test(text)) {
    shown = text.slice(0, width)
    used = shown.length
  } else {
    for (const character of text) {
      const more = widthOf(character)
      if (used + more > width) break
      shown += character
      used += more
    }
  }
  const fill = ' '.repeat(width - used)
  return side === 'left' ? shown + fill : fill + shown
}

const count = new Intl.NumberFormat('en')

/** @param {number} value @returns {string} 12,345 */
const formatCount = (value) => count.format(value)

/** @param {number} value a second @returns {string} */
const formatRate = (value) =>
  value < 10 ? `${value.toFixed(1)}/s` : `${formatCount(Math.round(value))}/s`

module.exports = { fit, formatCount, formatRate }
