'use strict'
// Anything in the process may change Object.prototype: freeze it, or give it
// properties that every object then seems to have. What is here keeps to what
// an object has itself.

const { defineProperty, getPrototypeOf, hasOwn, prototype } = Object

// Has whatever every object has, and nothing else.
const NOTHING = {}

/** Whether every object has a property of this name. */
const isEverywhere = (name) => name in NOTHING

/**
 * Gives an object a property: an assignment would call a setter of its
 * prototype's, or fail where that is frozen and has the name.
 * @param {object} object
 * @param {string | symbol} name
 * @param {unknown} value
 * @param {boolean} [enumerable]
 * @returns {object} the object
 */
const define = (object, name, value, enumerable = true) =>
  defineProperty(object, name, {
    // A descriptor is an object, too.
    __proto__: null,
    value,
    enumerable,
    configurable: true,
    writable: true
  })

/**
 * Sets a property that the object may not have yet, as an assignment would where
 * no prototype is in its way.
 * @param {object} object
 * @param {string} name
 * @param {unknown} value
 */
function put(object, name, value) {
  if (name in NOTHING) {
    define(object, name, value)
  } else {
    object[name] = value
  }
}

/**
 * A property of an object or of its class, but not one that every object has.
 * @param {object} object
 * @param {string} name
 */
function ownOf(object, name) {
  for (
    let holder = object;
    holder !== null && holder !== prototype;
    holder = getPrototypeOf(holder)
  ) {
    if (hasOwn(holder, name)) {
      return object[name]
    }
  }
  return undefined
}

/**
 * Gives an object each of `names` that it lacks, as undefined and invisible, so
 * that reading one gives nothing of a prototype's.
 * @param {T} object
 * @param {string[]} names
 * @returns {T} the object
 * @template {object} T
 */
function hideInherited(object, names) {
  for (const name of names) {
    if (!hasOwn(object, name)) {
      define(object, name, undefined, false)
    }
  }
  return object
}

/** Whether a value is an object as a literal makes it, of whatever realm, or
 * has no prototype. @throws what a proxy throws */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) {
    return false
  }
  const parent = getPrototypeOf(value)
  return (
    parent === null ||
    parent === prototype ||
    // Another realm's Object.prototype.
    (getPrototypeOf(parent) === null && hasOwn(parent, 'isPrototypeOf'))
  )
}

module.exports = { define, hideInherited, isEverywhere, isPlain, ownOf, put }
