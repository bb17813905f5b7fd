'use strict'
// Checks the argument of writeThreats().

const { IpcError, invalid, show } = require('../base/errors.js')

/**
 * A batch, checked threat by threat.
 * @param {Iterable<unknown>} threats
 * @param {number} most the largest length of any batch
 * @param {(threat: unknown) => T} check
 * @returns {T[]}
 * @throws {Error} what `check` throws, with the index;
 *   ERR_BATCH_TOO_LARGE; ERR_INVALID_ARGUMENT when there is no list
 * @template T
 */
function checkBatch(threats, most, check) {
  const checked = []
  let isChecking = false // or the caller's iterator runs
  try {
    for (const threat of threats) {
      isChecking = true
      if (checked.length === most) {
        throw new IpcError('ERR_BATCH_TOO_LARGE')
      }
      checked.push(check(threat))
      isChecking = false
    }
  } catch (error) {
    if (!isChecking) {
      const message = `threats: expected a list of threats, got ${show(threats)}`
      throw invalid(TypeError, 'ERR_INVALID_ARGUMENT', message, error)
    }
    if (error.code !== 'ERR_BATCH_TOO_LARGE') {
      error.message = `threats[${checked.length}]: ${error.message}`
    }
    throw error
  }
  return checked
}

module.exports = { checkBatch }
