'use strict'
// Threat types and severities by name and number.

const { PRIORITY_NONE } = require('./layout.js')

/** The eight threat types by name, and their numbers in the ring. */
const ThreatType = Object.freeze({
  Unknown: 0,
  UnicodeInvisible: 1,
  UnicodeBiDi: 2,
  UnicodeHomoglyph: 3,
  InjectionAttempt: 4,
  PathTraversal: 5,
  SuspiciousPattern: 6,
  RateLimitViolation: 7
})

/** The four severities by name, and their numbers in the ring. */
const Severity = Object.freeze({ Low: 1, Medium: 2, High: 3, Critical: 4 })

const typeNumbers = new Map(Object.entries(ThreatType))
const severityNumbers = new Map(Object.entries(Severity))
const typeNames = Object.keys(ThreatType)
const severityNames = [undefined, ...Object.keys(Severity)]

/**
 * The least severity of a priority event, as a number.
 * @param {import('../index').PrioritySeverity} [value]
 */
const leastPriority = (value = 'Critical') =>
  value === 'none' ? PRIORITY_NONE : (severityNumbers.get(value) ?? value)

/** The name of a number, or undefined. Not just by the index: a list that has
 * none there has what every object has. */
const nameIn = (names, number) =>
  number < names.length ? names[number] : undefined

const typeNameOf = (number) => nameIn(typeNames, number)
const severityNameOf = (number) => nameIn(severityNames, number)

module.exports = {
  leastPriority,
  Severity,
  severityNameOf,
  severityNames,
  severityNumbers,
  ThreatType,
  typeNameOf,
  typeNames,
  typeNumbers
}
