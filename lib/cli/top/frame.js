'use strict'
// What the live screen shows, as lines that fit into the terminal. The text of
// threats is made safe here; all else is our own.

const { displayText } = require('../../base/display-text.js')
const { formatMicros, paint, SEVERITIES } = require('../format.js')
const { fit, formatCount, formatRate } = require('./columns.js')

const TITLE = 'kindly-guard-ipc top'
const HELP = 'q quits'
// From this size on there are two tables beside each other.
const WIDE_COLUMNS = 76
const WIDE_ROWS = 20
const SEVERITY_COLUMNS = 31
const TYPE_COLUMNS = 42
const GAP = '    '
const SOURCE_COLUMNS = 20
// Of a threat's text, before it is cut to the line: a column takes one
// character at least.
const MOST_TEXT = 400

/**
 * @typedef {object} Model
 * @property {number} now milliseconds since 1970
 * @property {import('../../index').WatchSnapshot} snapshot
 * @property {{ total: number, bySeverity: object, byType: object }} rates
 * @property {import('../../index').LatencyStats} latency
 * @property {string} place of the ring or the server, or ''
 * @property {number} behind this reader, in threats
 * @property {{ processes: number | null, reliable: number,
 *   lag: number | null } | null} readers null over WebSocket
 */

const timeOf = (milliseconds) => {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime())
    ? '--:--:--'
    : date.toISOString().slice(11, 19)
}

/** Two texts on one line; the left one gives way. */
function ends(left, right, columns) {
  const space = columns - right.length - 1
  return space <= 0 ? fit(right, columns) : `${fit(left, space)} ${right}`
}

const isWell = ({ transport, writer }) =>
  transport !== 'connecting' && transport !== 'closed' && writer === 'live'

function stateText({ transport, writer, since, reason }) {
  const from = since === null ? '' : ` since ${timeOf(since)}`
  const shield =
    transport === 'connecting' ? 'no Shield' : `the Shield is ${writer}`
  return `${transport}, ${shield}${from}: ${reason}`
}

function lostText({ count, priority, unknown }) {
  const more = unknown > 0 ? ` and ${unknown} × an unknown number` : ''
  const severe = priority > 0 ? `, ${formatCount(priority)} priority` : ''
  return `${formatCount(count)}${severe}${more}`
}

function readersText({ readers, behind }) {
  const own = `this one ${formatCount(behind)} behind`
  if (readers === null) return own
  const { processes, reliable, lag } = readers
  // One of them is the Shield.
  const others =
    processes === null ? '' : `${Math.max(0, processes - 1)} reading, `
  const late = lag === null ? '' : ` (${formatCount(lag)} slots behind)`
  return `${others}${reliable} reliable${late}, ${own}`
}

const latencyText = ({ count, p50, p90, p99, max }) =>
  count === 0
    ? 'not measured yet'
    : `p50 ${formatMicros(p50)}  p90 ${formatMicros(p90)}  ` +
      `p99 ${formatMicros(p99)}  max ${formatMicros(max)}`

/** A name, a count and a rate in so many columns. */
function row(name, total, rate, columns) {
  const numbers = `${fit(formatCount(total), 11, 'right')} ${fit(formatRate(rate), 9, 'right')}`
  return `${fit(name, columns - numbers.length - 1)} ${numbers}`
}

/** Severities on the left, types on the right. */
function tables({ snapshot, rates }, columns, color) {
  const { bySeverity, byType } = snapshot.counts
  const half = SEVERITY_COLUMNS
  const rest = Math.min(columns - half - GAP.length, TYPE_COLUMNS)
  const left = SEVERITIES.map((name) => {
    const text = row(name, bySeverity[name], rates.bySeverity[name], half)
    return bySeverity[name] > 0 ? paint(name, text, color) : text
  })
  const types = Object.keys(byType).sort((a, b) => byType[b] - byType[a])
  const right = types.map((name) =>
    row(name, byType[name], rates.byType[name], rest)
  )
  const heads = `${fit('severity', half)}${GAP}type`
  const lines = [paint('faint', heads, color)]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    lines.push(`${left[i] ?? ' '.repeat(half)}${GAP}${right[i] ?? ''}`)
  }
  return lines
}

const safe = (text) =>
  displayText(String(text), { for: 'terminal', limit: MOST_TEXT })

function threatLine(threat, columns, color) {
  const { severity, threatType, timestampUs } = threat
  const time = columns >= 60 ? `${timeOf(timestampUs / 1000)} ` : ''
  const kind = columns >= 60 ? `${fit(safe(threatType), 18)} ` : ''
  const name = fit(safe(severity), 8)
  const style = SEVERITIES.includes(severity) ? severity : 'Unknown'
  const rest = columns - time.length - kind.length - name.length - 1
  const source = fit(safe(threat.source), Math.min(SOURCE_COLUMNS, rest >> 1))
  const text = `${source} ${safe(threat.details)}`
  return `${time}${paint(style, name, color)} ${kind}${fit(text, rest)}`
}

/** The newest that fit, the last one below. */
function newest({ snapshot }, lines, columns, color) {
  return lines <= 0
    ? []
    : snapshot.threats
        .slice(-lines)
        .map((threat) => threatLine(threat, columns, color))
}

function wide(model, { columns, rows, color }) {
  const { snapshot, now, rates, place } = model
  const { counts, lost, state } = snapshot
  const label = (name, text) => fit(`${name.padEnd(9)}${text}`, columns)
  const shown = fit(stateText(state), columns)
  const top = [
    paint('bold', ends(TITLE, `${timeOf(now)} UTC`, columns), color),
    isWell(state) ? shown : paint('High', shown, color),
    fit(place, columns),
    '',
    label(
      'threats',
      `${formatCount(counts.total)}, ${formatRate(rates.total)}, ` +
        `${formatCount(counts.blocked)} blocked`
    ),
    label('lost', lostText(lost)),
    label('latency', latencyText(model.latency)),
    label('readers', readersText(model)),
    '',
    ...tables(model, columns, color),
    ''
  ]
  return [...top, ...newest(model, rows - top.length - 1, columns, color)]
}

function narrow(model, { columns, rows, color }) {
  const { snapshot, rates, latency } = model
  const { counts, lost, state } = snapshot
  const { transport, writer } = state
  const names = SEVERITIES.filter((name) => counts.bySeverity[name] > 0)
  const { count, p50, p99 } = latency
  const times =
    count === 0
      ? 'latency: not measured yet'
      : `p50 ${formatMicros(p50)}  p99 ${formatMicros(p99)}`
  const shield = transport === 'connecting' ? 'no Shield' : writer
  const head = ends(`${transport}, ${shield}`, formatRate(rates.total), columns)
  const top = [
    isWell(state) ? paint('bold', head, color) : paint('High', head, color),
    ...(isWell(state) ? [] : [fit(state.reason, columns)]),
    fit(
      `${formatCount(counts.total)} threats, ${lostText(lost)} lost`,
      columns
    ),
    fit(
      names
        .map((name) => `${name} ${formatCount(counts.bySeverity[name])}`)
        .join('  '),
      columns
    ),
    fit(times, columns),
    fit(readersText(model), columns)
  ].slice(0, rows - 1)
  return [...top, ...newest(model, rows - top.length - 1, columns, color)]
}

/**
 * @param {Model} model
 * @param {{ columns: number, rows: number, color: boolean }} size
 * @returns {string[]} `rows` lines, none of them wider
 */
function frame(model, size) {
  const { columns, rows, color } = size
  const isWide = columns >= WIDE_COLUMNS && rows >= WIDE_ROWS
  const lines = (isWide ? wide : narrow)(model, size).slice(0, rows - 1)
  while (lines.length < rows - 1) lines.push('')
  return [...lines, paint('faint', fit(HELP, columns), color)]
}

module.exports = { frame }
