'use strict'
// Loads the native addon: one that was compiled here, or else the one of this
// system that the package carries; each must be whole, for this process, and
// of this version.

const fs = require('node:fs')
const path = require('node:path')
const { ownTarget, wrongWithFile } = require('./addon-file.js')
const { LAYOUT_VERSION, PACKAGE_VERSION } = require('./native-constants.js')
const { adopt, fromNative } = require('../base/errors.js')
const { lazy } = require('../base/load.js')
const { define } = require('../base/own.js')
const { whyNotLoaded, wrongWithRuntime } = require('./runtime.js')

// What most processes need not: nothing is wrong with their addon.
const bundled = lazy(() => require('./bundled.js'))

/** In a bundle all files are one, of another name, or of none that is known. */
const isBundled =
  typeof __filename !== 'string' ||
  !path.isAbsolute(__filename) ||
  !__filename.endsWith(path.join('lib', 'shm', 'addon.js'))

// On an addon that is in use: a process may load several copies of this
// package (a test runner does, for each of its files) and have one addon for
// all of them, which throws the errors of the first.
const TAKEN = Symbol.for('kindly-guard-ipc.addon-is-taken')

const NAME = 'kindly_guard_ipc.node'
const BUILD = 'build/Release'

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

/**
 * The paths are literals and stand in one `try`, so that bundlers find each of
 * them, and take none that is missing for an error.
 */
function requireFrom(place) {
  try {
    switch (place) {
      case BUILD:
        return require('../../build/Release/kindly_guard_ipc.node')
      case 'linux-x64':
        return require('../../prebuilds/linux-x64/kindly_guard_ipc.node')
      case 'linux-arm64':
        return require('../../prebuilds/linux-arm64/kindly_guard_ipc.node')
      case 'linux-x64-musl':
        return require('../../prebuilds/linux-x64-musl/kindly_guard_ipc.node')
      case 'linux-arm64-musl':
        return require('../../prebuilds/linux-arm64-musl/kindly_guard_ipc.node')
      case 'darwin-x64':
        return require('../../prebuilds/darwin-x64/kindly_guard_ipc.node')
      case 'darwin-arm64':
        return require('../../prebuilds/darwin-arm64/kindly_guard_ipc.node')
      case 'win32-x64':
        return require('../../prebuilds/win32-x64/kindly_guard_ipc.node')
      case 'win32-arm64':
        return require('../../prebuilds/win32-arm64/kindly_guard_ipc.node')
      default:
        return null
    }
  } catch (error) {
    const isMissing = error.code === 'MODULE_NOT_FOUND'
    const isCopyMissing = isBundled && bundled().isCopyMissing(error)
    if (isMissing && !isCopyMissing) return null
    throw error
  }
}

/** Some bundlers give the name of the file that they copied. */
function open(loaded) {
  const value = loaded?.default ?? loaded
  if (typeof value !== 'string') return value
  const isKnown = path.isAbsolute(value) || typeof __dirname === 'string'
  if (!value.endsWith('.node') || !isKnown) return {}
  const file = path.isAbsolute(value) ? value : path.join(__dirname, value)
  const wrong = wrongWithFile(file)
  if (wrong !== null) throw new Error(`${file} ${wrong}`)
  const opened = { exports: {} }
  process.dlopen(opened, file)
  return opened.exports
}

/** Why an addon that loaded is not for this package; null when it is. */
function wrongWith(native) {
  if (typeof native?.setErrorFactory !== 'function') return bundled().REPLACED
  const { layoutVersion, nodeApiVersion, packageVersion } = native
  if (packageVersion !== PACKAGE_VERSION) {
    const from = packageVersion ?? '(unknown)'
    return `it was compiled from version ${from}, this is ${PACKAGE_VERSION}`
  }
  if (layoutVersion !== LAYOUT_VERSION) {
    return (
      `it was compiled from layout ${layoutVersion} of the ring, this is ` +
      `layout ${LAYOUT_VERSION}`
    )
  }
  return nodeApiVersion > Number(process.versions.napi)
    ? `it needs Node-API ${nodeApiVersion}, this process has ${process.versions.napi}`
    : null
}

/** Node's permission model may forbid to look; then loading it says so. */
function mayExist(file) {
  try {
    return fs.existsSync(file)
  } catch {
    return true
  }
}

/** The file that is meant; null in a bundle, where it is another one. */
function fileIn(place) {
  if (typeof __dirname !== 'string') return null
  const folder = place === BUILD ? BUILD : path.join('prebuilds', place)
  const file = path.join(__dirname, '..', '..', folder, NAME)
  return mayExist(file) ? file : null
}

/**
 * @returns {Binding & { byFile?: boolean } | null} null when nothing is there;
 *   byFile: it was not given to the system's loader at all
 */
function loadFrom(place) {
  const file = fileIn(place)
  // Not to have a file is what it takes longest to find out by require().
  if (file === null && !isBundled) return null
  const named = file ?? `for ${place}`
  const refuse = (reason, byFile = false) => ({
    native: null,
    reason: `the native addon ${named} does not load: ${reason}`,
    byFile
  })
  const wrong = file === null ? null : wrongWithFile(file)
  if (wrong !== null) return refuse(`it ${wrong}`, true)
  try {
    const loaded = requireFrom(place)
    if (loaded === null) return null
    const native = open(loaded)
    const other = wrongWith(native)
    return other === null
      ? { native: take(native), reason: null }
      : refuse(other)
  } catch (error) {
    return refuse(
      (isBundled ? bundled().whyNotInBundle(error) : null) ??
        whyNotLoaded(error)
    )
  }
}

/** @returns {Binding} */
function load() {
  if (process.env.KINDLY_GUARD_IPC_NO_NATIVE === '1') {
    return {
      native: null,
      reason: 'KINDLY_GUARD_IPC_NO_NATIVE=1 forbids the native addon'
    }
  }
  const foreign = wrongWithRuntime()
  if (foreign !== null) {
    return { native: null, reason: foreign }
  }
  let refused = null
  // What was compiled here is newer than what came with the package, or was
  // compiled because that does not load.
  for (const placeOf of [() => BUILD, ownTarget]) {
    const binding = loadFrom(placeOf())
    if (binding?.native) return binding
    // In a clone that two systems share, one file is for the other. What forbids
    // to load the right one says more.
    if (refused === null || (refused.byFile && binding?.byFile === false)) {
      refused = binding
    }
  }
  if (refused !== null) return { native: null, reason: refused.reason }
  const target = ownTarget()
  const reason = isBundled
    ? bundled().leftOut(target)
    : `there is no native addon for ${target} in this installation; ` +
      '`npx kindly-guard-ipc build` compiles one'
  return { native: null, reason }
}

module.exports = load()
