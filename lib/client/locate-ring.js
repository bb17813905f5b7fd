'use strict'
// Which ring a client is to read that was told no directory: the one that a
// Shield's discovery file names, or the one in the default directory.

const { inspectRing } = require('../shm/inspect.js')

/**
 * @param {object} ring checked reader options
 * @param {() => { dir: string | null }[]} findRecords of live Shields, which
 *   name the directories of their rings
 * @returns {{ options: object, generation: string, isWritten: boolean }} the
 *   first with a live writer, else the first that can be opened
 * @throws {IpcError} as inspectRing, when none can
 */
function findRing(ring, findRecords) {
  const records = ring.dir === undefined ? findRecords() : []
  const dirs = new Set(records.map(({ dir }) => dir).concat(ring.dir))
  dirs.delete(null)
  let first = null
  let error
  for (const dir of dirs) {
    const options = { ...ring, dir }
    try {
      const { generation, displaced, writer } = inspectRing(options)
      const isWritten = writer !== 'gone' && !displaced
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
