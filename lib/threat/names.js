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
const severityNames = ['Unknown', ...Object.keys(Severity)]

/** The name of a type's number; undefined when it has none. */
const typeName = (value) => typeNames[value]

/** The name of a severity's number; undefined when it has none. */
const severityName = (value) => (value === 0 ? undefined : severityNames[value])

module.exports = {
  Severity,
  severityName,
  severityNames,
  severityNumbers,
  ThreatType,
  typeName,
  typeNames,
  typeNumbers
}
