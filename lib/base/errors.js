'use strict'
// The one translation from the table in native/include/kg_error.h to what is
// thrown, and the errors for bad arguments.

const { inspect } = require('node:util')
const rows = require('./error-codes.json')
const { define } = require('./own.js')

// A row is its number, its code, what happened, and what to do about it.
const table = rows.map(([number, code, what, advice]) => ({
  number,
  code,
  what,
  advice
}))
const byNumber = new Map(table.map((entry) => [entry.number, entry]))
const byCode = new Map(table.map((entry) => [entry.code, entry]))

// Codes that blame the caller's values become a RangeError.
const ARGUMENT_CODES = new Set([
  'ERR_INVALID_ARGUMENT',
  'ERR_INVALID_OPTION',
  'ERR_INVALID_THREAT'
])

/** What JSON has of an error, whose message it would leave out. */
function toJSON() {
  const { name, code, message } = this
  return { name, code, message }
}

/**
 * Every error of this package that does not blame an argument. `code` is
 * stable; the message says what happened and what to do.
 */
class IpcError extends Error {
  // Declared, so that no setter of a prototype's takes it.
  code

  /**
   * @param {string} code one of the table's codes
   * @param {string} [detail] a clause without a full stop
   * @param {{ cause?: unknown }} [options]
   */
  constructor(code, detail = '', options) {
    const { what, advice } = byCode.get(code) ?? {
      what: 'An unknown error.',
      advice: 'Please report it.'
    }
    super(`${what} ${detail === '' ? '' : `${detail}. `}${advice}`, options)
    this.code = code
  }
}

define(IpcError.prototype, 'name', 'IpcError', false)
define(IpcError.prototype, 'toJSON', toJSON, false)

/**
 * The error for a negative number of the C core.
 * @param {number} number one of enum kg_error
 * @param {string} [detail] a clause without a full stop
 * @returns {Error} with `code`
 */
function fromNative(number, detail = '') {
  const { code, what } = byNumber.get(number) ?? { code: 'ERR_UNKNOWN' }
  return ARGUMENT_CODES.has(code)
    ? invalid(RangeError, code, detail || what)
    : new IpcError(code, detail)
}

/**
 * An error that blames an argument.
 * @param {TypeErrorConstructor | RangeErrorConstructor} Type
 * @param {string} code
 * @param {string} message names the argument and what would do
 * @param {unknown} [cause]
 * @returns {Error}
 */
function invalid(Type, code, message, cause) {
  const error = new Type(message, cause === undefined ? undefined : { cause })
  define(error, 'code', code)
  return define(error, 'toJSON', toJSON, false)
}

/** Whether this is an IpcError, of this copy of the package or of another one
 * that is loaded in this process. @param {unknown} error */
const isIpcError = (error) =>
  byCode.has(error?.code) && !ARGUMENT_CODES.has(error.code)

/**
 * An error that another copy of this package made as this copy's; anything else
 * as it is.
 * @param {unknown} error
 * @returns {unknown}
 */
function adopt(error) {
  if (!byCode.has(error?.code)) {
    return error
  }
  const { code, message, stack } = error
  const own = ARGUMENT_CODES.has(code)
    ? invalid(
        error.name === 'TypeError' ? TypeError : RangeError,
        code,
        message
      )
    : new IpcError(code)
  define(own, 'message', message, false)
  return define(own, 'stack', stack, false)
}

/**
 * A value as an error message shows it: short, and whatever it is.
 * @param {unknown} value
 * @returns {string}
 */
function show(value) {
  let text
  try {
    text = inspect(value, {
      __proto__: null,
      depth: 0,
      maxStringLength: 40,
      maxArrayLength: 3,
      breakLength: Infinity,
      customInspect: false,
      getters: false,
      showProxy: true
    })
  } catch {
    // Its Symbol.toStringTag is a getter that throws, or the like.
    text = `something of type ${typeof value} that cannot be shown`
  }
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}

module.exports = {
  adopt,
  fromNative,
  invalid,
  IpcError,
  isIpcError,
  show
}
