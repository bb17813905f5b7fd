'use strict'
// The threats of all benchmarks, and ways to get one wrong.

const {
  makeThreats,
  TYPES,
  VARIETY,
  verify
} = require('../lib/benchmark/threats.js')

/** A threat that verify() must refuse in the place of `threat`. */
const DAMAGES = {
  details: (threat) => ({ ...threat, details: `${threat.details.slice(1)}X` }),
  source: (threat) => ({ ...threat, source: 'mcp/server-X' }),
  threatType: ({ threatType, ...rest }) => ({
    ...rest,
    threatType: threatType === TYPES[0] ? TYPES[1] : TYPES[0]
  }),
  severity: ({ severity, ...rest }) => ({
    ...rest,
    severity: severity === 'Low' ? 'High' : 'Low'
  }),
  blocked: ({ blocked, ...rest }) => ({ ...rest, blocked: !blocked })
}

module.exports = { DAMAGES, makeThreats, verify, VARIETY }
