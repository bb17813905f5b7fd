'use strict'
// Where positions are kept that belong to a user and not to a program.

const path = require('node:path')
const { LOCATION_CHECKS, pick } = require('../../options/check.js')
const { places } = require('../../websocket/locate.js')

/**
 * A file beside the discovery file, or, of a ring in a directory that was given,
 * at home: nothing is put beside a ring.
 * @param {object} options
 * @param {string} use what it is for
 * @returns {string}
 */
function positionFile(options, use) {
  const location = pick(options, LOCATION_CHECKS)
  const all = places(location)
  const { dir, name } =
    all.find((place) => place.dir !== location.dir) ?? all[0]
  return path.join(dir, `${name}.${use}.json`)
}

module.exports = { positionFile }
