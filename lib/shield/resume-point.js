'use strict'
// Where a Shield that starts goes on: behind the stream of the one before, which
// had a ring, a server with its discovery file, or both.

const { inspectRing } = require('../shm/inspect.js')
const { findRecords } = require('../websocket/locate.js')

/**
 * @typedef {import('./history.js').Predecessor} Predecessor
 */

function ringOf(location) {
  try {
    return inspectRing(location)
  } catch {
    return null
  }
}

/** Without the sequence when it did not close: it may have published more. And
 * so may the Shield of a bridge that did. */
const lastOf = ({ generation, state, bridge, sequence, priority }) =>
  state === 'closed' && !bridge
    ? { generation, sequence, priority }
    : { generation }

/** The newest record, unless it is a bridge's: what that served, a ring has. */
const recordBeside = (location, ring) =>
  findRecords(location).records.find(({ bridge }) => ring === null || !bridge)

/** Whether a Shield wrote its discovery file after the ring got its last writer.
 * The ring's own predecessor is older, whatever the clock says. */
const isNewer = (record, ring) =>
  ring === null ||
  (record.generation !== ring.predecessorGeneration &&
    Date.parse(record.startedAt) * 1000 > ring.writerStartUs)

/** The last event that the ring has, where that is known: one that was given up
 * has not everything. @returns {Predecessor} */
const lastInRing = ({ generation, published, priority, displaced }) =>
  !displaced && Number.isSafeInteger(published)
    ? { generation, sequence: published, priority }
    : { generation }

/**
 * For a Shield that opens the ring: what was published beside the ring, or
 * behind it.
 * @param {{ dir?: string, name?: string }} location
 * @returns {Predecessor | undefined} undefined: the ring, if there is one, says
 *   all that there is to know
 */
function resumeWithRing(location) {
  const ring = ringOf(location)
  const record = recordBeside(location, ring)
  if (record === undefined) {
    return undefined
  }
  if (record.generation === ring?.generation) {
    // A Shield without a server may have gone on in the ring.
    return ring.published > record.sequence ? undefined : lastOf(record)
  }
  return isNewer(record, ring) ? lastOf(record) : undefined
}

/**
 * For a Shield that starts without a ring.
 * @param {{ dir?: string, name?: string }} location
 * @returns {Predecessor | null} null: there was none
 */
function resumeWithoutRing(location) {
  const ring = ringOf(location)
  const record = recordBeside(location, ring) ?? null
  if (record !== null && isNewer(record, ring)) {
    if (record.generation !== ring?.generation) {
      return lastOf(record)
    }
    if (record.state === 'closed') {
      const closed = lastOf(record)
      const last = lastInRing(ring)
      // With a clock that was set back, the file may be an earlier writer's.
      return last.sequence > closed.sequence ? last : closed
    }
  }
  return ring && lastInRing(ring)
}

module.exports = { resumeWithoutRing, resumeWithRing }
