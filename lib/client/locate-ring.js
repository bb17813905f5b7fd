'use strict'
// Which ring a client is to read that was told no directory: the one that a
// Shield's discovery file names, or the one in the default directory.

const { RingSource } = require('../shm/ring-source.js')

/**
 * @param {object} ring checked reader options
 * @param {() => string[]} findDirs directories that live Shields name
 * @returns {{ options: object, generation: string, isWritten: boolean }} the
 *   first that somebody writes to, else the first that can be opened
 * @throws {IpcError} as RingSource, when none can
 */
function findRing(ring, findDirs) {
  const dirs = ring.dir === undefined ? new Set(findDirs()) : []
  let first = null
  let error
  for (const options of [...[...dirs].map((dir) => ({ ...ring, dir })), ring]) {
    try {
      const { generation, astray, writer } = RingSource.inspect(options)
      const isWritten = writer !== 'gone' && !astray
      const found = { options, generation, isWritten }
      if (isWritten) {
        return found
      }
      first ??= found
    } catch (caught) {
      error = caught
    }
  }
  if (first === null) {
    throw error
  }
  return first
}

module.exports = { findRing }
