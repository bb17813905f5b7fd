'use strict'
// Priority events for code that has no ring: which they are, how they are
// counted, and what is kept of one that is too long for the lane.

const { BATCH_DIVISOR, DETAILS_BYTES, SOURCE_BYTES } = require('./layout.js')

/**
 * How many there are up to an event, modulo 2^32.
 * @param {number} before those before it
 * @param {{ severity: number }} record the event, checked
 * @param {number} least the least severity of a priority event
 */
const countPriority = (before, { severity }, least) =>
  severity >= least ? (before + 1) >>> 0 : before

/**
 * How many of `count` events in a row have priority.
 * @param {number | null} before those before the first of them
 * @param {number | null} behind those up to the last of them
 * @param {number} count
 * @returns {number | null} null where that cannot be known
 */
function priorityBetween(before, behind, count) {
  if (before === null || behind === null) {
    return null
  }
  const priority = (behind - before) >>> 0
  return priority <= count ? priority : null
}

/**
 * How many there are behind a gap.
 * @param {number | null} before those before it
 * @param {number | null} lost those in it
 * @returns {number | null} null where that cannot be known
 */
const priorityAfter = (before, lost) =>
  before === null || lost === null ? null : (before + lost) >>> 0

/** The slots of a lane that one event may take; a longer one is cut. */
const laneSpan = (lane) => Math.max(1, lane / BATCH_DIVISOR)

/** The start of a text, in so many bytes of UTF-8, between two characters. */
const cutText = (text, bytes) =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Buffer.from(text).subarray(0, bytes),
    { stream: true }
  )

/**
 * What the lead slot alone has of a threat.
 * @param {import('./check.js').ThreatRecord} record
 * @returns {import('./check.js').ThreatRecord & { cut: true }}
 */
const cutThreat = (record) => ({
  ...record,
  source: cutText(record.source, SOURCE_BYTES),
  details: cutText(record.details, DETAILS_BYTES),
  id: undefined,
  context: undefined,
  cut: true
})

module.exports = {
  countPriority,
  cutThreat,
  laneSpan,
  priorityAfter,
  priorityBetween
}
