'use strict'
// Checks options: an unknown key, a wrong type or range is an error that says
// what is allowed. Every property is read once.

const path = require('node:path')
const { invalid, show } = require('../base/errors.js')
const { hideInherited, isPlain } = require('../base/own.js')
const { Severity, severityNumberOf } = require('../threat/names.js')
const { capacityOf, laneOf, ringBytes } = require('../threat/size.js')
const {
  DEFAULT_EVENTS,
  MAX_CAPACITY,
  MAX_PRIORITY_EVENTS
} = require('../threat/layout.js')
const {
  LEAST_EVENT_BYTES,
  MAX_EVENT_BYTES,
  MOST_EVENT_BYTES
} = require('../threat/limits.js')

const UNITS = { '': 1, B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }

/** The presets of `latency`, in microseconds of spinning. */
const SPIN_MICROS = { idle: 0, balanced: 50, low: 2000 }

/**
 * @param {boolean} fine
 * @param {TypeErrorConstructor | RangeErrorConstructor} Type of the error
 * @param {string} label names the option in the error
 * @param {string} expected
 * @param {T} value
 * @returns {T} the value
 * @throws {TypeError | RangeError} ERR_INVALID_OPTION unless `fine`
 * @template T
 */
function mustBe(fine, Type, label, expected, value) {
  if (!fine) {
    throw invalid(
      Type,
      'ERR_INVALID_OPTION',
      `${label}: expected ${expected}, got ${show(value)}`
    )
  }
  return value
}

// The checks of single values: each returns the value, normalized.

function integer(label, value, low, high) {
  mustBe(typeof value === 'number', TypeError, label, 'a number', value)
  const expected = `a whole number from ${low} to ${high}`
  const fine = Number.isInteger(value) && value >= low && value <= high
  return mustBe(fine, RangeError, label, expected, value)
}

const text = (label, value) =>
  mustBe(typeof value === 'string', TypeError, label, 'a string', value)

const flag = (label, value) =>
  mustBe(typeof value === 'boolean', TypeError, label, 'true or false', value)

function oneOf(label, value, choices) {
  const quoted = choices.map((choice) => `'${choice}'`)
  const last = quoted.pop()
  const expected = `${quoted.join(', ')} or ${last}`
  const fine = choices.includes(text(label, value))
  return mustBe(fine, RangeError, label, expected, value)
}

/** Made absolute once, so that process.chdir() does not change it. */
function filePath(label, value) {
  const fine = text(label, value) !== '' && !value.includes('\0')
  mustBe(fine, RangeError, label, 'a path without NUL', value)
  try {
    return path.resolve(value)
  } catch {
    // The working directory was removed, and a relative path leads nowhere.
    const expected = 'an absolute path, since the working directory is gone'
    return mustBe(false, RangeError, label, expected, value)
  }
}

function size(label, value, low = 1, high = Number.MAX_SAFE_INTEGER) {
  const expected = 'bytes as a whole number, or a string like "1MB"'
  if (typeof value !== 'string') {
    mustBe(typeof value === 'number', TypeError, label, expected, value)
    return integer(label, value, low, high)
  }
  const match = /^(\d+)\s*([KMG]?B)?$/i.exec(value)
  mustBe(match !== null, RangeError, label, expected, value)
  const [, number, unit = ''] = match
  return integer(label, number * UNITS[unit.toUpperCase()], low, high)
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

  name: (label, value) =>
    mustBe(
      /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/.test(text(label, value)),
      RangeError,
      label,
      "1 to 64 letters, digits, '.', '_' or '-', not beginning with '.'",
      value
    )
}

/** For both ends: how much text one event may have. */
const maxEventBytes = (label, value) =>
  size(label, value, LEAST_EVENT_BYTES, MOST_EVENT_BYTES)

/** A name, one of `others`, or a number from `low`. */
const severity = (label, value, low, others = []) =>
  typeof value === 'number'
    ? integer(label, value, low, 255)
    : oneOf(label, value, [...Object.keys(Severity), ...others])

/** Linux numbers no more nodes than these. */
const MOST_NODES = 1024

/** In which pages a ring is; for both ends. */
const hugePages = (label, value) =>
  oneOf(label, value, ['auto', 'require', 'off'])

/** On which node. */
function numaNode(label, value) {
  if (value === 'interleave') {
    return value
  }
  const Type = typeof value === 'string' ? RangeError : TypeError
  const expected = "the number of a node, or 'interleave'"
  mustBe(typeof value === 'number', Type, label, expected, value)
  return integer(label, value, 0, MOST_NODES - 1)
}

/** How a ring is made and written. */
const RING_CHECKS = {
  maxEvents: (label, value) => integer(label, value, 1, MAX_CAPACITY),
  bufferSize: (label, value) => size(label, value),
  enableChecksums: flag,

  prioritySeverity: (label, value) => severity(label, value, 1, ['none']),

  priorityEvents: (label, value) =>
    integer(label, value, 0, MAX_PRIORITY_EVENTS),

  overflow: (label, value) => oneOf(label, value, ['overwrite', 'reject']),
  readerTimeoutMs: (label, value) => integer(label, value, 10, 3_600_000),
  maxEventBytes,
  strictContext: flag,
  hugePages,
  numaNode
}

/**
 * @param {object} value what it inherits counts as well
 * @returns {{ generation: string, sequence: number, priority: number | null }
 *   | null} null: it is no position
 */
function positionIn({ generation, sequence, priority = null }) {
  const fine =
    typeof generation === 'string' &&
    /^[0-9a-f]{16}$/.test(generation) &&
    Number.isSafeInteger(sequence) &&
    sequence >= 0 &&
    (priority === null ||
      (Number.isInteger(priority) && priority >>> 0 === priority))
  return fine ? { generation, sequence, priority } : null
}

/** Where reading begins and how it waits. */
const CURSOR_CHECKS = {
  from(label, value) {
    if (value === 'latest' || value === 'oldest') {
      return value
    }
    const Type = typeof value === 'string' ? RangeError : TypeError
    const expected = "'latest', 'oldest' or a sequence"
    mustBe(typeof value === 'number', Type, label, expected, value)
    return integer(label, value, 1, Number.MAX_SAFE_INTEGER)
  },

  after(label, value) {
    const expected =
      '{ generation: 16 hex digits, sequence: from 0 }, and as `priority` ' +
      'what stats() said (a threat has them), or { file: path } alone'
    let own = { __proto__: null }
    try {
      if (isPlain(value)) {
        own = { __proto__: null, ...value }
      }
    } catch {
      // Refused below, as what lacks everything.
    }
    const { file, ...rest } = own
    const isAlone = Object.values(rest).every((one) => one === undefined)
    if (file !== undefined && isAlone) {
      return { file: filePath(`${label}.file`, file) }
    }
    const position = file === undefined ? positionIn(own) : null
    mustBe(position !== null, TypeError, label, expected, value)
    return position
  },

  reliable: flag,
  spinMicros: (label, value) => integer(label, value, 0, 1_000_000),
  latency: (label, value) => oneOf(label, value, Object.keys(SPIN_MICROS)),
  maxEventBytes,
  hugePages,
  freeze: flag,
  pollCpu: removed
}

/** What watch() tells, and how often. */
const WATCH_CHECKS = {
  everyMs: (label, value) => integer(label, value, 10, 60_000),
  keep: (label, value) => integer(label, value, 0, 10_000),
  minSeverity: (label, value) => severity(label, value, 0)
}

const WRITER_CHECKS = { ...LOCATION_CHECKS, ...RING_CHECKS }
const READER_CHECKS = { ...LOCATION_CHECKS, ...CURSOR_CHECKS }

/** The options of IpcFactory: those of both ends. */
const FACTORY_CHECKS = {
  ...WRITER_CHECKS,
  ...CURSOR_CHECKS,
  preferShm: flag,
  // Its own checks are in websocket.js.
  websocket: (_label, value) => value
}

/** Options of which none that is not given is taken from a prototype. */
const whole = (options, checks) =>
  hideInherited({ ...options }, namesIn(checks))

/** A copy with the keys of `checks`, where they are given. */
const pick = (options, checks) =>
  whole(
    Object.fromEntries(
      Object.keys(checks)
        .filter((key) => Object.hasOwn(options, key))
        .filter((key) => options[key] !== undefined)
        .map((key) => [key, options[key]])
    ),
    checks
  )

/**
 * The properties of an object, each read once.
 * @param {unknown} value
 * @param {string} code of the error when it is none, or reading it throws
 * @param {string} expected what that error says
 * @param {boolean} [mustBePlain] whether an object is refused that inherits
 *   anything: what it inherits would not be among its properties
 */
function entriesOf(value, code, expected, mustBePlain = false) {
  let cause
  try {
    const isObject = typeof value === 'object' && value !== null
    if (mustBePlain ? isPlain(value) : isObject) {
      return Object.entries(value)
    }
  } catch (error) {
    cause = error
  }
  throw invalid(TypeError, code, `${expected}, got ${show(value)}`, cause)
}

function unknown(label, names) {
  const message = `${label} is unknown; these exist: ${names.join(', ')}`
  return invalid(TypeError, 'ERR_INVALID_OPTION', message)
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
  const checked = { __proto__: null }
  if (options === undefined) {
    return checked
  }
  const expected = `${what}: expected a plain object that can be read`
  const entries = entriesOf(options, 'ERR_INVALID_OPTION', expected, true)
  for (const [key, value] of entries) {
    if (!Object.hasOwn(allowed, key)) {
      throw unknown(label(show(key)), namesIn(allowed))
    }
    const given =
      value === undefined ? undefined : allowed[key](label(key), value)
    if (given !== undefined) {
      checked[key] = given
    }
  }
  return checked
}

/** Refuses a `bufferSize` that cannot hold `maxEvents`. */
function checkSize(
  { maxEvents, priorityEvents, bufferSize = Infinity },
  label
) {
  const needed = ringBytes(capacityOf(maxEvents), laneOf(priorityEvents))
  if (bufferSize < needed) {
    throw invalid(
      RangeError,
      'ERR_INVALID_OPTION',
      `${label('bufferSize')}: ${bufferSize} bytes are too few, ` +
        `${maxEvents ?? DEFAULT_EVENTS} events need ${needed}; raise it, or ` +
        `lower ${label('maxEvents')} or ${label('priorityEvents')}`
    )
  }
}

const checkLocation = (options) =>
  whole(checkEach(options, LOCATION_CHECKS), LOCATION_CHECKS)

function checkWriter(options, label = optionLabel) {
  const checked = checkEach(options, WRITER_CHECKS, label)
  checkSize(checked, label)
  return whole(checked, WRITER_CHECKS)
}

/** Refuses two places at which reading begins. A file may not be there yet, and
 * then `from` counts. */
function checkBeginning({ from, after }, label = optionLabel) {
  const isPosition = after !== undefined && !Object.hasOwn(after, 'file')
  if (from !== undefined && isPosition) {
    throw invalid(
      TypeError,
      'ERR_INVALID_OPTION',
      `${label('after')}: ${label('from')} is given, too; give only one`
    )
  }
}

/** What there is a default for comes out filled in. */
function checkReader(options) {
  const checked = checkEach(options, READER_CHECKS)
  checkBeginning(checked)
  checked.from ??= 'latest'
  checked.spinMicros ??= SPIN_MICROS[checked.latency ?? 'balanced']
  checked.maxEventBytes ??= MAX_EVENT_BYTES
  checked.freeze ??= false
  return whole(checked, READER_CHECKS)
}

/** @returns {{ everyMs: number, keep: number, minSeverity: number }} */
function checkWatch(options) {
  const checked = checkEach(options, WATCH_CHECKS)
  const { everyMs = 100, keep = 200, minSeverity = 0 } = checked
  const least = severityNumberOf(minSeverity) ?? minSeverity
  return { everyMs, keep, minSeverity: least }
}

/** The options of both ends, and `websocket` as it was given. */
function checkFactory(options, label = optionLabel) {
  const checked = checkEach(options, FACTORY_CHECKS, label)
  checkSize(checked, label)
  checkBeginning(checked, label)
  return whole(checked, FACTORY_CHECKS)
}

module.exports = {
  checkEach,
  checkFactory,
  checkLocation,
  checkReader,
  checkWatch,
  checkWriter,
  CURSOR_CHECKS,
  entriesOf,
  FACTORY_CHECKS,
  filePath,
  flag,
  integer,
  LOCATION_CHECKS,
  mustBe,
  namesIn,
  oneOf,
  pick,
  positionIn,
  READER_CHECKS,
  RING_CHECKS,
  size,
  text,
  unknown,
  WRITER_CHECKS
}
