'use strict'
// Threat types and severities by name and number.

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

/** The name of a number, or undefined. Not just by the index: a list that has
 * none there has what every object has. */
const nameIn = (names, number) =>
  number < names.length ? names[number] : undefined

const typeNameOf = (number) => nameIn(typeNames, number)
const severityNameOf = (number) => nameIn(severityNames, number)

module.exports = {
  Severity,
  severityNameOf,
  severityNames,
  severityNumbers,
  ThreatType,
  typeNameOf,
  typeNames,
  typeNumbers
}
