'use strict'
// How a threat, a loss and a time look to people.

const { spellOut } = require('../base/display-text.js')
const { Severity } = require('../threat/names.js')

const SGR = {
  Low: '36',
  Medium: '33',
  High: '31',
  Critical: '1;37;41',
  Unknown: '35',
  faint: '2',
  bold: '1',
  // What the doctor says of what it found.
  ok: '32',
  note: '33',
  wrong: '1;31'
}

/** The worst first. */
const SEVERITIES = [...Object.keys(Severity).reverse(), 'Unknown']

const REASONS = {
  overwritten: 'overwritten',
  corrupt: 'did not validate',
  evicted: 'this reader was evicted',
  replaced: 'the ring was replaced',
  'before-join': 'overwritten before this reader came'
}

// How much of a text is shown; --json has all of it.
const SHOWN = 400

/**
 * Whether to colour what goes to a stream. FORCE_COLOR decides first, as in Node
 * itself; then NO_COLOR, then whether the stream is a terminal.
 * @param {{ isTTY?: boolean }} stream
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {boolean}
 */
function wantsColor(stream, env = process.env) {
  if (env.FORCE_COLOR !== undefined) {
    return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  }
  return !env.NO_COLOR && env.TERM !== 'dumb' && Boolean(stream.isTTY)
}

/**
 * @param {string} style a key of SGR
 * @param {string} text safe text
 * @param {boolean} color
 * @returns {string}
 */
function paint(style, text, color) {
  return color ? `\u001b[${SGR[style]}m${text}\u001b[0m` : text
}

/** Marks what was spelled out, in any colour. @param {string} escaped */
const invert = (escaped) => `\u001b[7m${escaped}\u001b[27m`

/**
 * @param {number} timestampUs
 * @returns {string} ISO 8601 in UTC, to the millisecond
 */
function formatTime(timestampUs) {
  const date = new Date(timestampUs / 1000)
  // A ring can hold any number, also one that is no date.
  return Number.isNaN(date.getTime()) ? `${timestampUs} us` : date.toISOString()
}

/** @param {number | null} micros @returns {string} with a unit */
function formatMicros(micros) {
  if (micros === null) return '-'
  if (micros < 1000) return `${Math.round(micros)} µs`
  return micros < 1e6
    ? `${(micros / 1000).toFixed(1)} ms`
    : `${(micros / 1e6).toFixed(1)} s`
}

/**
 * Text, escaped and cut to what a person reads.
 * @param {string} text
 * @param {boolean} color
 * @param {number} shown
 * @returns {string}
 */
function formatText(text, color, shown) {
  const mark = color ? invert : undefined
  if (text.length <= shown) {
    return spellOut(text, mark)
  }
  // Not between the two halves of a surrogate pair.
  const end = text.codePointAt(shown - 1) > 0xffff ? shown - 1 : shown
  const rest = `... [${text.length - end} more]`
  return spellOut(text.slice(0, end), mark) + paint('faint', rest, color)
}

/** A name, with its number when that has no name. */
const formatName = (name, code) =>
  code === undefined ? name : `${name}(${code})`

/**
 * One line for people: time, severity, type, whether it was blocked, source,
 * details, whether it was cut. Safe for a terminal whatever the threat holds.
 * @param {import('../index').Threat} threat
 * @param {{ color?: boolean, shown?: number }} [options]
 * @returns {string}
 */
function formatThreat(threat, { color = false, shown = SHOWN } = {}) {
  const severity = formatName(threat.severity, threat.severityCode)
  const style = SGR[threat.severity] ? threat.severity : 'Unknown'
  const type = formatName(threat.threatType, threat.threatTypeCode)
  return [
    paint('faint', formatTime(threat.timestampUs), color),
    // Padded outside of the colour, so that no bar of it is drawn.
    paint(style, severity, color) +
      ' '.repeat(Math.max(0, 8 - severity.length)),
    type.padEnd(18),
    threat.blocked ? 'blocked' : '-      ',
    paint('bold', formatText(threat.source, color, shown), color),
    formatText(threat.details, color, shown),
    ...(threat.cut ? [paint('faint', '[cut]', color)] : [])
  ].join('  ')
}

/** How many of those lost were priority threats, if any may have been. */
function formatPriority(priority) {
  if (priority === 0) {
    return ''
  }
  const count = priority ?? 'an unknown number'
  return `, ${count} of them priority threats`
}

/**
 * @param {import('../index').Loss} loss
 * @returns {string}
 */
function formatLoss({ count, from, to, priority, reason }) {
  const why = REASONS[reason] ?? String(reason)
  if (count === null) {
    return `lost an unknown number of threats: ${why}`
  }
  const range = from === to ? `${from}` : `${from} to ${to}`
  const threats = count === 1 ? 'threat' : 'threats'
  const what = `${count} ${threats}${formatPriority(priority)}`
  return `lost ${what} (${range}): ${why}`
}

module.exports = {
  formatLoss,
  formatMicros,
  formatThreat,
  paint,
  SEVERITIES,
  wantsColor
}
