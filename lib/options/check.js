'use strict'
// Checks options: an unknown key, a wrong type or range is an error that says
// what would do. Every property is read once.

const path = require('node:path')
const { invalid, show } = require('../base/errors.js')
const { capacityOf, DEFAULT_EVENTS, ringBytes } = require('../threat/size.js')
const { MAX_CAPACITY: MAX_EVENTS } = require('../threat/layout.js')

const UNITS = { '': 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }

/** The presets of `latency`, in microseconds of spinning. */
const SPIN_MICROS = { idle: 0, balanced: 50, low: 2000 }

function bad(Type, label, expected, value) {
  return invalid(
    Type,
    'ERR_INVALID_OPTION',
    `${label}: expected ${expected}, got ${show(value)}`
  )
}

// The checks of single values. `label` names the option in the error; each
// returns the value, normalized.

function integer(label, value, low, high) {
  if (typeof value !== 'number') {
    throw bad(TypeError, label, 'a number', value)
  }
  if (!Number.isInteger(value) || value < low || value > high) {
    throw bad(RangeError, label, `a whole number from ${low} to ${high}`, value)
  }
  return value
}

function text(label, value) {
  if (typeof value !== 'string') {
    throw bad(TypeError, label, 'a string', value)
  }
  return value
}

function flag(label, value) {
  if (typeof value !== 'boolean') {
    throw bad(TypeError, label, 'true or false', value)
  }
  return value
}

function oneOf(label, value, choices) {
  if (!choices.includes(text(label, value))) {
    const quoted = choices.map((choice) => `'${choice}'`)
    const last = quoted.pop()
    const expected = `${quoted.join(', ')} or ${last}`
    throw bad(RangeError, label, expected, value)
  }
  return value
}

/** Made absolute once, so that process.chdir() does not move anything. */
function filePath(label, value) {
  if (text(label, value) === '' || value.includes('\0')) {
    throw bad(RangeError, label, 'a path without NUL', value)
  }
  return path.resolve(value)
}

function size(label, value, low = 1, high = Number.MAX_SAFE_INTEGER) {
  const expected = 'bytes as a whole number, or a string like "1MB"'
  if (typeof value === 'string') {
    const match = /^(\d+)\s*([KMG]?B)?$/i.exec(value)
    if (match === null) {
      throw bad(RangeError, label, expected, value)
    }
    const bytes = match[1] * UNITS[(match[2] ?? '').toUpperCase()]
    return integer(label, bytes, low, high)
  }
  if (typeof value !== 'number') {
    throw bad(TypeError, label, expected, value)
  }
  return integer(label, value, low, high)
}

/** For an option that is no more: an old configuration goes on working. */
function removed(label) {
  process.emitWarning(`${label} has no effect any more; remove it`, {
    type: 'DeprecationWarning',
    code: 'KG_REMOVED_OPTION'
  })
}

/** The options that there are. */
const namesIn = (checks) =>
  Object.keys(checks).filter((key) => checks[key] !== removed)

/** Where a ring is; for both ends. */
const LOCATION_CHECKS = {
  dir: filePath,

  name(label, value) {
    if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(text(label, value))) {
      throw bad(
        RangeError,
        label,
        "1 to 64 letters, digits, '.', '_' or '-', not beginning with '.'",
        value
      )
    }
    return value
  }
}

/** What a ring is made like and how it is written. */
const RING_CHECKS = {
  maxEvents: (label, value) => integer(label, value, 1, MAX_EVENTS),
  bufferSize: (label, value) => size(label, value),
  enableChecksums: flag,
  overflow: (label, value) => oneOf(label, value, ['overwrite', 'reject']),
  readerTimeoutMs: (label, value) => integer(label, value, 10, 3_600_000)
}

/** Where reading begins and how it waits. */
const CURSOR_CHECKS = {
  from(label, value) {
    if (value === 'latest' || value === 'oldest') {
      return value
    }
    if (typeof value !== 'number') {
      throw bad(
        typeof value === 'string' ? RangeError : TypeError,
        label,
        "'latest', 'oldest' or a sequence",
        value
      )
    }
    return integer(label, value, 1, Number.MAX_SAFE_INTEGER)
  },

  after(label, value) {
    const expected = '{ generation: 16 hex digits, sequence: from 0 }'
    let generation, sequence
    try {
      ;({ generation, sequence } = value)
    } catch {
      throw bad(TypeError, label, expected, value)
    }
    const isRight =
      typeof generation === 'string' &&
      /^[0-9a-f]{16}$/.test(generation) &&
      Number.isSafeInteger(sequence) &&
      sequence >= 0
    if (!isRight) {
      throw bad(TypeError, label, expected, value)
    }
    return { generation, sequence }
  },

  reliable: flag,
  spinMicros: (label, value) => integer(label, value, 0, 1_000_000),
  latency: (label, value) => oneOf(label, value, Object.keys(SPIN_MICROS)),
  pollCpu: removed
}

const WRITER_CHECKS = { ...LOCATION_CHECKS, ...RING_CHECKS }
const READER_CHECKS = { ...LOCATION_CHECKS, ...CURSOR_CHECKS }

/** The options of IpcFactory: those of either end. */
const FACTORY_CHECKS = {
  ...WRITER_CHECKS,
  ...CURSOR_CHECKS,
  preferShm: flag,
  // Its own checks are in websocket.js.
  websocket: (_label, value) => value
}

/** A copy with the keys of `checks`, where they are given. */
const pick = (options, checks) =>
  Object.fromEntries(
    Object.keys(checks)
      .filter((key) => options[key] !== undefined)
      .map((key) => [key, options[key]])
  )

/** The options, each read once. */
function entries(options, what) {
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
    `${what}: expected an object that can be read, got ${show(options)}`,
    cause
  )
}

const optionLabel = (key) => `option ${key}`

/**
 * Checks each of `options` by the check of its name.
 * @param {object | undefined} options
 * @param {Record<string, (label: string, value: unknown) => unknown>} allowed
 *   the checks, by name
 * @param {(key: string) => string} [label] what an error calls an option
 * @param {string} [what] what an error calls all of them
 * @returns {object} a copy with what was given; sizes in bytes
 * @throws {TypeError | RangeError} ERR_INVALID_OPTION
 */
function checkEach(options, allowed, label = optionLabel, what = 'options') {
  const checked = {}
  if (options === undefined) {
    return checked
  }
  for (const [key, value] of entries(options, what)) {
    if (!Object.hasOwn(allowed, key)) {
      throw invalid(
        TypeError,
        'ERR_INVALID_OPTION',
        `${label(show(key))} is unknown; these exist: ` +
          namesIn(allowed).join(', ')
      )
    }
    const given =
      value === undefined ? undefined : allowed[key](label(key), value)
    if (given !== undefined) {
      checked[key] = given
    }
  }
  return checked
}

/**
 * A limit that cannot hold the events that are asked for: refused before
 * anything is touched, with what would do.
 */
function checkSize({ maxEvents, bufferSize }, label) {
  const needed = ringBytes(capacityOf(maxEvents))
  if (bufferSize !== undefined && bufferSize < needed) {
    throw invalid(
      RangeError,
      'ERR_INVALID_OPTION',
      `${label('bufferSize')}: ${bufferSize} bytes are too few, ` +
        `${maxEvents ?? DEFAULT_EVENTS} events need ${needed}; raise it, or ` +
        `lower ${label('maxEvents')}`
    )
  }
}

const checkLocation = (options) => checkEach(options, LOCATION_CHECKS)

function checkWriter(options, label = optionLabel) {
  const checked = checkEach(options, WRITER_CHECKS, label)
  checkSize(checked, label)
  return checked
}

/** Reading begins in one place. */
function checkBeginning({ from, after }, label = optionLabel) {
  if (from !== undefined && after !== undefined) {
    throw invalid(
      TypeError,
      'ERR_INVALID_OPTION',
      `${label('after')}: ${label('from')} is given, too; one of them will do`
    )
  }
}

/** `spinMicros` comes out filled in. */
function checkReader(options) {
  const checked = checkEach(options, READER_CHECKS)
  checkBeginning(checked)
  checked.from ??= 'latest'
  checked.spinMicros ??= SPIN_MICROS[checked.latency ?? 'balanced']
  return checked
}

/** The options of either end, and `websocket` as it is. */
function checkFactory(options, label = optionLabel) {
  const checked = checkEach(options, FACTORY_CHECKS, label)
  checkSize(checked, label)
  checkBeginning(checked, label)
  return checked
}

module.exports = {
  checkEach,
  checkFactory,
  checkLocation,
  checkReader,
  checkWriter,
  CURSOR_CHECKS,
  FACTORY_CHECKS,
  filePath,
  flag,
  integer,
  LOCATION_CHECKS,
  namesIn,
  oneOf,
  optionLabel,
  pick,
  READER_CHECKS,
  RING_CHECKS,
  size,
  text,
  WRITER_CHECKS
}
