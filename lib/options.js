'use strict'
// Checks options: an unknown key, a wrong type or range is an error that says
// what would do. Every property is read once.

const path = require('node:path')
const { invalid, show } = require('./errors.js')

const MAX_EVENTS = 2 ** 22
const UNITS = { '': 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }

/** The presets of `latency`, in microseconds of spinning. */
const SPIN_MICROS = { idle: 0, balanced: 50, low: 2000 }

function bad(Type, key, expected, value) {
  return invalid(
    Type,
    'ERR_INVALID_OPTION',
    `option ${key}: expected ${expected}, got ${show(value)}`
  )
}

function integer(key, value, low, high) {
  if (typeof value !== 'number') {
    throw bad(TypeError, key, 'a number', value)
  }
  if (!Number.isInteger(value) || value < low || value > high) {
    throw bad(RangeError, key, `a whole number from ${low} to ${high}`, value)
  }
  return value
}

function text(key, value) {
  if (typeof value !== 'string') {
    throw bad(TypeError, key, 'a string', value)
  }
  return value
}

const checks = {
  dir(value) {
    if (text('dir', value) === '' || value.includes('\0')) {
      throw bad(RangeError, 'dir', 'a path without NUL', value)
    }
    // Made absolute once, so that process.chdir() does not move the ring.
    return path.resolve(value)
  },

  name(value) {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(text('name', value))) {
      throw bad(
        RangeError,
        'name',
        "1 to 64 letters, digits, '.', '_' or '-', not beginning with '.'",
        value
      )
    }
    return value
  },

  maxEvents: (value) => integer('maxEvents', value, 1, MAX_EVENTS),

  bufferSize(value) {
    const expected = 'bytes as a whole number, or a string like "1MB"'
    if (typeof value === 'string') {
      const match = /^(\d+)\s*([KMG]?B)?$/i.exec(value)
      if (match === null) {
        throw bad(RangeError, 'bufferSize', expected, value)
      }
      const bytes = match[1] * UNITS[(match[2] ?? '').toUpperCase()]
      return integer('bufferSize', bytes, 1, Number.MAX_SAFE_INTEGER)
    }
    if (typeof value !== 'number') {
      throw bad(TypeError, 'bufferSize', expected, value)
    }
    return integer('bufferSize', value, 1, Number.MAX_SAFE_INTEGER)
  },

  enableChecksums(value) {
    if (typeof value !== 'boolean') {
      throw bad(TypeError, 'enableChecksums', 'true or false', value)
    }
    return value
  },

  from(value) {
    if (value === 'latest' || value === 'oldest') {
      return value
    }
    if (typeof value !== 'number') {
      throw bad(
        typeof value === 'string' ? RangeError : TypeError,
        'from',
        "'latest', 'oldest' or a sequence",
        value
      )
    }
    return integer('from', value, 1, Number.MAX_SAFE_INTEGER)
  },

  spinMicros: (value) => integer('spinMicros', value, 0, 1_000_000),

  latency(value) {
    if (!Object.hasOwn(SPIN_MICROS, text('latency', value))) {
      throw bad(RangeError, 'latency', "'idle', 'balanced' or 'low'", value)
    }
    return value
  }
}

/** The options that each constructor takes. */
const LOCATION = ['dir', 'name']
const WRITER = [...LOCATION, 'maxEvents', 'bufferSize', 'enableChecksums']
const READER = [...LOCATION, 'from', 'spinMicros', 'latency']

/** The options, each read once. */
function entries(options) {
  let cause
  try {
    if (typeof options === 'object' && options !== null) {
      return Object.entries(options)
    }
  } catch (error) {
    cause = error
  }
  throw invalid(
    TypeError,
    'ERR_INVALID_OPTION',
    `options: expected an object that can be read, got ${show(options)}`,
    cause
  )
}

/**
 * Checks `options` against the keys that are allowed.
 * @param {object | undefined} options
 * @param {string[]} allowed
 * @returns {object} a copy with what was given; sizes in bytes
 */
function checkOptions(options, allowed) {
  const checked = {}
  if (options === undefined) {
    return checked
  }
  for (const [key, value] of entries(options)) {
    if (!allowed.includes(key)) {
      throw invalid(
        TypeError,
        'ERR_INVALID_OPTION',
        `option ${show(key)} is unknown; these exist: ${allowed.join(', ')}`
      )
    }
    if (value !== undefined) {
      checked[key] = checks[key](value)
    }
  }
  return checked
}

const checkLocation = (options) => checkOptions(options, LOCATION)
const checkWriter = (options) => checkOptions(options, WRITER)

/** `spinMicros` comes out filled in. */
function checkReader(options) {
  const checked = checkOptions(options, READER)
  checked.from ??= 'latest'
  checked.spinMicros ??= SPIN_MICROS[checked.latency ?? 'balanced']
  return checked
}

module.exports = { checkLocation, checkWriter, checkReader, integer }
