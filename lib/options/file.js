'use strict'
// loadConfig: the options of a TOML file, overridden by those of the environment.
// The result fits every function of IpcFactory.

const path = require('node:path')
const { isDate } = require('node:util').types
const { IpcError, invalid, show } = require('../base/errors.js')
const { lazy } = require('../base/load.js')
const { deniedBy } = require('../base/permission.js')
const { readChecked } = require('../base/private-file.js')
const {
  checkFactory,
  entriesOf,
  FACTORY_CHECKS,
  filePath,
  flag,
  mustBe,
  namesIn,
  unknown
} = require('./check.js')
const { checkWebSocket, WEBSOCKET_CHECKS } = require('./websocket.js')

const ENV_PREFIX = 'KINDLY_GUARD_IPC_'
const PREFIXES = { shm: ENV_PREFIX, websocket: `${ENV_PREFIX}WEBSOCKET_` }
// A variable that is no option: see shm/addon.js.
const ENV_OTHERS = [`${ENV_PREFIX}NO_NATIVE`]

const MAX_BYTES = 2 ** 20

// Options come from elsewhere in most programs.
const loadToml = lazy(() => require('smol-toml'), 'the package smol-toml')

const snake = (key) =>
  key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A path made absolute; what is no path stays as it is. */
const absolute = (value, base) =>
  typeof value === 'string' && value !== '' && !value.includes('\0')
    ? path.resolve(base, value)
    : value

const SECTIONS = { shm: { ...FACTORY_CHECKS }, websocket: WEBSOCKET_CHECKS }
delete SECTIONS.shm.websocket
// A position in the stream is no configuration.
delete SECTIONS.shm.after

/** The name in JavaScript of an option named as in the file, or undefined. */
const keyOf = (section, name) =>
  Object.keys(SECTIONS[section]).find((key) => snake(key) === name)

/** Whether an option is a path, which in a file is relative to that file. */
const isPath = (section, key) =>
  SECTIONS[section][key] === filePath || key === 'socket'

/** The names of a section's options as in the file. */
const written = (section) => namesIn(SECTIONS[section]).map(snake)

/**
 * Values as they were given, each with the name that an error gives it.
 * @typedef {Map<string, { value: unknown, label: string }>} Given
 */

// --- The file --------------------------------------------------------------

const isTomlError = ({ codeblock }) => codeblock !== undefined

/** Strictly, because a wrongly decoded name would be another name. */
function decode(bytes, file) {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    // Only Node gives this error a code.
    throw new IpcError('ERR_CONFIG_INVALID', `${file} is not UTF-8`, { cause })
  }
}

function parseToml(file) {
  const { parse } = loadToml()
  try {
    const bytes = readChecked(file, (stat) => checkFile(stat, file))
    return parse(decode(bytes, file))
  } catch (error) {
    const why = whyNot(error, file)
    if (why === undefined) {
      throw error
    }
    // The parser's error quotes the lines around the fault, and with them what
    // may be secret.
    const cause = isTomlError(error) ? undefined : { cause: error }
    throw new IpcError('ERR_CONFIG_INVALID', why, cause)
  }
}

function checkFile(stat, file) {
  if (!stat.isFile()) {
    throw new IpcError('ERR_CONFIG_INVALID', `${file} is no regular file`)
  }
  if (stat.size > MAX_BYTES) {
    const detail = `${file} has more than ${MAX_BYTES} bytes`
    throw new IpcError('ERR_CONFIG_INVALID', detail)
  }
}

/** What an error of the system or the parser says of the file; undefined for
 * other errors. */
function whyNot(error, file) {
  if (isTomlError(error)) {
    const [what] = error.message.split('\n', 1)
    return `${file}, line ${error.line}, column ${error.column}: ${what}`
  }
  const denied = deniedBy(error)
  if (denied !== null) {
    return `${file}: ${denied}`
  }
  return error.syscall && `${file}: ${error.syscall}: ${error.code}`
}

/** The entries of a table; none when it is missing. */
function tableOf(value, label) {
  // TOML has no null.
  const isTable =
    typeof value === 'object' && !Array.isArray(value) && !isDate(value)
  mustBe(value === undefined || isTable, TypeError, label, 'a table', value)
  return Object.entries(value ?? {})
}

function takeFile(file, given) {
  const label = (key) => `${key} in ${file}`
  const { ipc } = { __proto__: null, ...parseToml(file) }
  for (const [section, table] of tableOf(ipc, label('ipc'))) {
    if (!Object.hasOwn(SECTIONS, section)) {
      throw unknown(label(`ipc.${section}`), Object.keys(SECTIONS))
    }
    for (const [name, value] of tableOf(table, label(`ipc.${section}`))) {
      const key = keyOf(section, name)
      if (key === undefined) {
        throw unknown(label(`ipc.${section}.${name}`), written(section))
      }
      given[section].set(key, {
        label: label(`ipc.${section}.${name}`),
        value: isPath(section, key)
          ? absolute(value, path.dirname(file))
          : value
      })
    }
  }
}

// --- The environment -------------------------------------------------------

// Options that may be switched off, or on, and have other values as well.
const SWITCHES = ['port', 'socket']

// Options whose value stays text when it looks like a number.
const WORDS = [
  'name',
  'url',
  'host',
  'auth',
  'latency',
  'overflow',
  'hugePages'
]

/** Text converted to the option's type; what is wrong stays as it is. */
function fromText(section, key, value) {
  if (typeof value !== 'string') {
    return value
  }
  const isFlag = SECTIONS[section][key] === flag
  if (isFlag && /^(true|false|1|0)$/i.test(value)) {
    return value === '1' || value.toLowerCase() === 'true'
  }
  if (SWITCHES.includes(key) && /^(true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true'
  }
  if (isPath(section, key)) {
    return absolute(value, process.cwd())
  }
  return !WORDS.includes(key) && /^-?\d{1,16}$/.test(value)
    ? Number(value)
    : value
}

const allVariables = () =>
  Object.entries(PREFIXES).flatMap(([section, prefix]) =>
    written(section).map((name) => `${prefix}${name.toUpperCase()}`)
  )

function takeEnvironment(env, given) {
  const expected = 'env: expected an object such as process.env'
  const variables = entriesOf(env, 'ERR_INVALID_ARGUMENT', expected)
  for (const [variable, value] of variables) {
    if (
      !variable.startsWith(ENV_PREFIX) ||
      ENV_OTHERS.includes(variable) ||
      value === '' ||
      value === undefined
    ) {
      continue
    }
    const isOther = variable.startsWith(PREFIXES.websocket)
    const section = isOther ? 'websocket' : 'shm'
    const name = variable.slice(PREFIXES[section].length).toLowerCase()
    const key = keyOf(section, name)
    const label = `the environment's ${variable}`
    if (key === undefined || variable !== variable.toUpperCase()) {
      throw unknown(label, allVariables())
    }
    given[section].set(key, { label, value: fromText(section, key, value) })
  }
}

// ---------------------------------------------------------------------------

/** @param {Given} given */
const valuesOf = (given) =>
  Object.fromEntries([...given].map(([key, { value }]) => [key, value]))

/**
 * The options in `file`, overridden by those of the environment.
 * @param {string} [file] TOML, with tables [ipc.shm] and [ipc.websocket];
 *   without one, the environment alone counts
 * @param {Record<string, string | undefined>} [env]
 * @returns {import('../index').IpcOptions} with what was given, without defaults
 * @throws {IpcError} ERR_CONFIG_INVALID: the file cannot be read or is no TOML
 * @throws {TypeError | RangeError} ERR_INVALID_OPTION, which names the key, its
 *   value and what is allowed; ERR_INVALID_ARGUMENT
 */
function loadConfig(file, env = process.env) {
  const given = { shm: new Map(), websocket: new Map() }
  if (file !== undefined) {
    if (typeof file !== 'string' || file === '' || file.includes('\0')) {
      throw invalid(
        TypeError,
        'ERR_INVALID_ARGUMENT',
        `file: expected the path of a TOML file, got ${show(file)}`
      )
    }
    takeFile(path.resolve(file), given)
  }
  takeEnvironment(env, given)
  const labelIn = (section) => (key) =>
    given[section].get(key)?.label ?? `ipc.${section}.${snake(key)}`
  const options = { ...checkFactory(valuesOf(given.shm), labelIn('shm')) }
  if (given.websocket.size > 0) {
    const values = valuesOf(given.websocket)
    // The defaults are filled in where the options are used.
    checkWebSocket(values, labelIn('websocket'))
    options.websocket = values
  }
  return options
}

module.exports = { loadConfig }
