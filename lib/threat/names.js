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

const typeNames = Object.keys(ThreatType)
const severityNames = [undefined, ...Object.keys(Severity)]

// The numbers of names once more, for what is done for each threat: V8 compares
// its own strings with constants by their addresses, and a Map takes more than
// twice as long.

/** The number of a type's name; undefined: it is no such name. */
function typeNumberOf(name) {
  switch (name) {
    case 'Unknown':
      return 0
    case 'UnicodeInvisible':
      return 1
    case 'UnicodeBiDi':
      return 2
    case 'UnicodeHomoglyph':
      return 3
    case 'InjectionAttempt':
      return 4
    case 'PathTraversal':
      return 5
    case 'SuspiciousPattern':
      return 6
    case 'RateLimitViolation':
      return 7
  }
  return undefined
}

/** The number of a severity's name; undefined: it is no such name. */
function severityNumberOf(name) {
  switch (name) {
    case 'Low':
      return 1
    case 'Medium':
      return 2
    case 'High':
      return 3
    case 'Critical':
      return 4
  }
  return undefined
}

/**
 * The least severity of a priority event, as a number.
 * @param {import('../index').PrioritySeverity} [value]
 */
const leastPriority = (value = 'Critical') =>
  value === 'none' ? PRIORITY_NONE : (severityNumberOf(value) ?? value)

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
  severityNumberOf,
  ThreatType,
  typeNameOf,
  typeNames,
  typeNumberOf
}
