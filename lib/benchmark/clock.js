'use strict'

const { HAS_OWN_CLOCK } = require('../base/boot-id.js')

// Of the time of day, some fifty days: more would be no exact nanoseconds.
const SPAN_MS = 2 ** 32

/**
 * Nanoseconds of a clock that both processes share. The time of day is the
 * coarser one, for a runtime whose other clock is of one process alone.
 * @type {() => number}
 */
const now = HAS_OWN_CLOCK
  ? () => ((performance.timeOrigin % SPAN_MS) + performance.now()) * 1e6
  : () => Number(process.hrtime.bigint())

module.exports = { now }
