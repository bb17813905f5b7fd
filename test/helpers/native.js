'use strict'
// The addon's own objects below lib/, for tests of what lib/ asks of them, or
// of what it does when they fail.

const { native } = require('../../lib/shm/addon.js')

/**
 * In a `describe`, in front of what opens anything: the addon's readers and
 * writers that are made while a test runs, in order.
 * @param {(reader: object) => void} [onReader] called with each reader before
 *   lib/ has it
 * @returns {{ readers: object[], writers: object[] }}
 */
function useNative(onReader = () => {}) {
  const made = { readers: [], writers: [] }
  let Reader
  let Writer

  beforeEach(() => {
    ;({ Reader, Writer } = native)
    made.readers.length = 0
    made.writers.length = 0
    native.Reader = function MadeReader(options) {
      const reader = new Reader(options)
      onReader(reader)
      made.readers.push(reader)
      return reader
    }
    native.Writer = function MadeWriter(options) {
      const writer = new Writer(options)
      made.writers.push(writer)
      return writer
    }
  })

  afterEach(() => {
    Object.assign(native, { Reader, Writer })
  })

  return made
}

/**
 * Calls `before` with the arguments of each call of a method, in front of it.
 * @param {object} object
 * @param {string} name
 * @param {(...args: unknown[]) => void} before
 * @returns {() => void} puts the method back
 */
function spy(object, name, before) {
  const method = object[name]
  Object.defineProperty(object, name, {
    configurable: true,
    writable: true,
    value(...args) {
      before(...args)
      return method.apply(this, args)
    }
  })
  return () => delete object[name]
}

module.exports = { spy, useNative }
