'use strict'
// What a watch knows of the threats that came: how many of which kind, and the
// newest of each severity. Its memory has a bound, whatever comes.

const { Severity, severityNumberOf, ThreatType } = require('../threat/names.js')
const { freeze } = require('./freeze.js')

// So much text of a threat is kept: source, details, id and context together,
// in UTF-16 units. A threat may have a megabyte.
const MOST_UNITS = 8192
// What is kept of the source and of the details of a longer one.
const SHORT_SOURCE = 1024
const SHORT_DETAILS = 4096
const SHORT_ID = 256

// Beside its text, what a value takes.
const VALUE_UNITS = 8

/** Whether the texts of `values` and of all that is in them are longer. */
function isLonger(values, most) {
  let left = most
  const open = [...values]
  while (open.length > 0 && left >= 0) {
    const value = open.pop()
    left -= VALUE_UNITS
    if (typeof value === 'string') {
      left -= value.length
    } else if (typeof value === 'object' && value !== null) {
      const keys = Object.keys(value)
      // As many as are too many need not be looked at.
      for (const key of keys.slice(0, most)) {
        left -= key.length
        open.push(value[key])
      }
    }
  }
  return left < 0
}

// A listener may have changed a threat before this sees it, into anything.
const isLong = ({ source, details, id, context }) =>
  // The usual one, of which there are many, at once.
  context !== undefined ||
  !(source?.length + details?.length + id?.length <= MOST_UNITS)
    ? isLonger([source, details, id, context], MOST_UNITS)
    : false

/** The first units of a text. A part of a string keeps the whole one in memory;
 * a copy does not. */
function startOf(text, units) {
  if (typeof text !== 'string' || text.length <= units) {
    return text
  }
  const end = text.codePointAt(units - 1) > 0xffff ? units - 1 : units
  return Buffer.from(text.slice(0, end), 'utf16le').toString('utf16le')
}

/** A threat as it is kept: the object itself, or a copy without much text. */
function shorten(threat) {
  if (!isLong(threat)) {
    return threat
  }
  const { source, details, id } = threat
  const short = {
    ...threat,
    id: startOf(id, SHORT_ID),
    source: startOf(source, SHORT_SOURCE),
    details: startOf(details, SHORT_DETAILS),
    cut: true
  }
  delete short.context
  return Object.isFrozen(threat) ? freeze(short) : short
}

const knownIn = (counts, name) =>
  Object.hasOwn(counts, name) ? name : 'Unknown'

const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]))

const SEVERITIES = [...Object.keys(Severity), 'Unknown']
const TYPES = Object.keys(ThreatType)

class Digest {
  #keep
  #least
  #kept = new Map(SEVERITIES.map((name) => [name, []])) // { at, threat }
  #total = 0
  #blocked = 0
  #bySeverity = zeros(SEVERITIES)
  #byType = zeros(TYPES)
  #lost = { count: 0, priority: 0, unknown: 0 }

  /**
   * @param {number} keep how many of each severity are kept
   * @param {number} least the least severity that is kept
   */
  constructor(keep, least) {
    this.#keep = keep
    this.#least = least
  }

  /** @param {import('../index').Threat} threat */
  add(threat) {
    const severity = knownIn(this.#bySeverity, threat.severity)
    this.#total++
    this.#bySeverity[severity]++
    this.#byType[knownIn(this.#byType, threat.threatType)]++
    if (threat.blocked) {
      this.#blocked++
    }
    const number = severityNumberOf(severity) ?? threat.severityCode ?? 0
    if (number >= this.#least) {
      const kept = this.#kept.get(severity)
      kept.push({ at: this.#total, threat: shorten(threat) })
      // All at once, and seldom: to take one from the front moves the others.
      if (kept.length >= 2 * this.#keep) {
        kept.splice(0, kept.length - this.#keep)
      }
    }
  }

  /** @param {import('../index').Loss} loss */
  lose({ count, priority, reason }) {
    // What came before this client is not lost to it.
    if (reason !== 'before-join') {
      this.#lost.count += count ?? 0
      this.#lost.priority += priority ?? 0
      this.#lost.unknown += count === null ? 1 : 0
    }
  }

  /** How many came so far. */
  get total() {
    return this.#total
  }

  /**
   * @param {number} since a total of before
   * @returns {object} WatchSnapshot without the state; of the threats, `added`
   *   came since that
   */
  snapshot(since) {
    const kept = [...this.#kept.values()]
      .flatMap((list) => list.slice(-this.#keep))
      .sort((a, b) => a.at - b.at)
    return {
      threats: kept.map(({ threat }) => threat),
      added: kept.filter(({ at }) => at > since).length,
      counts: {
        total: this.#total,
        blocked: this.#blocked,
        bySeverity: { ...this.#bySeverity },
        byType: { ...this.#byType }
      },
      lost: { ...this.#lost }
    }
  }
}

module.exports = { Digest }
