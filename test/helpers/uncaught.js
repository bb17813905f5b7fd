'use strict'

/**
 * In a `describe`: what becomes an uncaught exception meanwhile is a list, and
 * none of mocha's business. A test takes from it what it expects.
 * @returns {unknown[]} emptied before each test
 */
function useUncaught() {
  const caught = []
  const keep = (error) => caught.push(error)
  let listeners

  beforeEach(() => {
    caught.length = 0
    listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', keep)
  })

  afterEach(() => {
    process.off('uncaughtException', keep)
    for (const listener of listeners) {
      process.on('uncaughtException', listener)
    }
  })

  return caught
}

module.exports = { useUncaught }
