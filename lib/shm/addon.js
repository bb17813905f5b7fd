'use strict'
// Loads the native addon. The path is a literal, so that bundlers find it.

const { adopt, fromNative } = require('../base/errors.js')
const { define } = require('../base/own.js')

// On an addon that is in use: a process may load several copies of this
// package (a test runner does, for each of its files) and have one addon for
// all of them, which throws the errors of the first.
const TAKEN = Symbol.for('kindly-guard-ipc.addon-is-taken')

/**
 * @typedef {object} Binding
 * @property {object | null} native the addon, or null
 * @property {string | null} reason why there is none, as a clause
 */

/** Calls a function of the addon; what that throws is made an error of ours. */
function translate(call) {
  return function translated(...values) {
    try {
      return Reflect.apply(call, this, values)
    } catch (error) {
      throw adopt(error)
    }
  }
}

/** A class of the addon whose objects throw errors of ours. */
function translateClass(Class) {
  const make = translate((...values) => new Class(...values))
  return function Translated(...values) {
    const object = make(...values)
    const translated = {}
    const names = Object.getOwnPropertyNames(Class.prototype)
    // The most frequent ones belong to each object itself.
    for (const name of names.concat(Object.getOwnPropertyNames(object))) {
      const method = object[name]
      const call = (...given) => Reflect.apply(method, object, given)
      define(translated, name, translate(call))
    }
    return translated
  }
}

/** An addon that another copy of this package has taken, for this copy. */
const translateAll = ({
  Lock,
  Reader,
  Writer,
  checksumMethod,
  defaultDirectory
}) => ({
  Lock: translateClass(Lock),
  Reader: translateClass(Reader),
  Writer: translateClass(Writer),
  checksumMethod: translate(checksumMethod),
  defaultDirectory: translate(defaultDirectory)
})

function take(native) {
  if (Object.hasOwn(native, TAKEN)) {
    return translateAll(native)
  }
  native.setErrorFactory(fromNative)
  define(native, TAKEN, true, false)
  return native
}

/** @returns {Binding} */
function load() {
  if (process.env.KINDLY_GUARD_IPC_NO_NATIVE === '1') {
    return {
      native: null,
      reason: 'KINDLY_GUARD_IPC_NO_NATIVE=1 forbids the native addon'
    }
  }
  try {
    const native = require('../../build/Release/kindly_guard_ipc.node')
    return { native: take(native), reason: null }
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`
    return {
      native: null,
      reason:
        error.code === 'MODULE_NOT_FOUND'
          ? `there is no native addon for ${platform} in this installation`
          : `the native addon for ${platform} does not load: ${error.message}`
    }
  }
}

module.exports = load()
