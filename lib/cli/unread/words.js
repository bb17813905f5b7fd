'use strict'
// What is said of threats to a person, and to a model that reads what an
// attacker wrote: counts, types, and sources that cannot be taken for anything
// else. Never their details.

const { displayText } = require('../../base/display-text.js')
const { SEVERITIES } = require('../format.js')
const { safeJson } = require('../safe-json.js')

const SOURCE_SHOWN = 60

const inOrder = (counts) =>
  SEVERITIES.filter((name) => counts[name] > 0).map(
    (name) => `${counts[name]} ${name}`
  )

/** @param {import('./count.js').Tally} tally @returns {string} `3 unread: ...` */
function countText({ total, bySeverity, isCut }) {
  return total === 0
    ? 'nothing unread'
    : `${total}${isCut ? '+' : ''} unread: ${inOrder(bySeverity).join(', ')}`
}

/** What was lost, or ''. */
function lossText({ lost, lostUnknown, lostPriority }) {
  if (lost === 0 && !lostUnknown) return ''
  const many = lostUnknown ? 'an unknown number' : String(lost)
  const severe =
    lostPriority === null || lostPriority === 0
      ? ''
      : `, ${lostPriority} of them severe`
  return `${many} overwritten unread${severe}`
}

/** For one line of a status bar.
 * @param {{ transport: string, writer: string, tally: object }} found */
function statusLine({ transport, writer, tally }) {
  const state = writer === 'live' ? transport : `${transport}, ${writer}`
  const parts = [countText(tally), lossText(tally)].filter(Boolean)
  return `KindlyGuard ${state} | ${parts.join(' | ')}`
}

const ESCAPED = {
  '<': '\\u003c',
  '>': '\\u003e',
  '`': '\\u0060',
  '&': '\\u0026'
}

/** A source as a string of JSON without anything that would be markup. */
function quoteSource(source) {
  const shown = displayText(source, { for: 'plain', limit: SOURCE_SHOWN })
  return safeJson(shown).replace(/[<>`&]/g, (mark) => ESCAPED[mark])
}

const typesText = (byType) =>
  Object.entries(byType)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')

/** Of each kind; sentences. @param {import('./count.js').Tally} tally */
function summary(tally) {
  const { total, isCut, bySeverity, byType, sources } = tally
  const lost = lossText(tally)
  const more = lost === '' ? [] : [`Lost: ${lost}.`]
  if (total === 0) return ['No new threats.', ...more]
  const many = isCut ? `more than ${total}` : String(total)
  return [
    `${many} new: ${inOrder(bySeverity).join(', ')}.`,
    `Types: ${typesText(byType)}.`,
    `Sources, as they were reported: ${[...sources].map(quoteSource).join(', ')}.`,
    ...more
  ]
}

module.exports = {
  countText,
  lossText,
  quoteSource,
  statusLine,
  summary,
  typesText
}
