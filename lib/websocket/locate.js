'use strict'
// Where the Shield's server is: the places of its discovery file, for the Shield
// that writes it and the clients that look for it.

const path = require('node:path')
const { IpcError } = require('../base/errors.js')
const { lazy } = require('../base/load.js')
const { isInProfile, ownDirectories } = require('../base/own-directories.js')
const { isWindows } = require('../base/windows.js')
const { readDiscovery, readTokenFile } = require('./discovery-file.js')

const crypto = lazy(() => require('node:crypto'))

/**
 * The places of the discovery file, the best first. With the option `dir` it is
 * in there, or, when that directory is another user's, at home under a name
 * made from that path. On Windows it is in there only when that is in the user's
 * profile: whether there is the addon must make no difference.
 * @param {{ dir?: string, name?: string }} location
 * @returns {{ dir: string, name: string }[]}
 */
function places({ dir, name = 'kindly-guard' }) {
  if (dir === undefined) {
    return ownDirectories().map((home) => ({ dir: home, name }))
  }
  // Case does not count there.
  const folded = isWindows ? dir.toLowerCase() : dir
  const hash = crypto()
    .createHash('sha256')
    .update(folded)
    .digest('hex')
    .slice(0, 16)
  return [
    ...(isWindows && !isInProfile(dir) ? [] : [{ dir, name }]),
    ...ownDirectories().map((home) => ({ dir: home, name: `${name}-${hash}` }))
  ]
}

/** The URL of a server's port, or null when it has none. */
const urlOf = ({ host, port }) =>
  port === null
    ? null
    : `ws://${host.includes(':') ? `[${host}]` : host}:${port}`

/**
 * The discovery files in those places, the newest first. There may be several,
 * because a Shield that cannot write the best place uses the next.
 * @param {{ dir?: string, name?: string }} location
 * @returns {{ records: object[], error: Error | null }} the error of the first
 *   place that could not be read
 */
function findRecords(location) {
  let error = null
  const records = []
  for (const { dir, name } of places(location)) {
    try {
      const record = readDiscovery(dir, name)
      if (record !== null) {
        records.push(record)
      }
    } catch (caught) {
      error ??= caught
    }
  }
  // A Shield may have written 'live' in one place and 'closed' in another.
  const isSame = (a, b) =>
    a.startedAt === b.startedAt && a.pid === b.pid && a.port === b.port
  const closed = records.filter(({ state }) => state === 'closed')
  const valid = records.filter(
    (record) =>
      record.state === 'closed' || !closed.some((last) => isSame(last, record))
  )
  valid.sort((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt))
  return { records: valid, error }
}

/** Those of Shields that did not close. @see findRecords */
const liveRecords = (location) =>
  findRecords(location).records.filter(({ state }) => state === 'live')

/** The error that no Shield is there, as far as can be known. */
function absent(detail) {
  const error = new IpcError('ERR_WEBSOCKET_UNREACHABLE', detail)
  error.isAbsent = true
  return error
}

/**
 * Where a server is.
 * @typedef {object} Place
 * @property {string | null} socket the path of its Unix socket
 * @property {string | null} url of its port, for who cannot use the socket
 * @property {string | null} token 64 hex digits; null: it asks for no proof
 * @property {number | 'socket' | null} port what a proof to the URL names; null:
 *   the port that stands in it
 * @property {boolean} isGiven no Shield said that it is there
 */

/** @returns {Place} where a record says; @throws {IpcError} */
function placeOf(record, useSocket, isGiven) {
  const { token = null, port } = record
  const socket = useSocket ? record.socket : null
  const url = urlOf(record)
  if (socket === null && url === null) {
    throw new IpcError(
      'ERR_WEBSOCKET_UNREACHABLE',
      'the Shield has a Unix socket and no port, and websocket.socket is false'
    )
  }
  return { socket, url, token, port, isGiven }
}

/**
 * @param {{ dir?: string, name?: string }} location
 * @param {{ socket?: boolean | string, url?: string, tokenFile?: string }} websocket
 *   checked options
 * @returns {() => Place} looks anew at each call; throws an IpcError
 */
function locator(location, { socket: option = true, url, tokenFile }) {
  const useSocket = option !== false
  const socket = typeof option === 'string' ? option : null
  const isGiven = url !== undefined || socket !== null
  if (tokenFile !== undefined) {
    return () => {
      const found = readTokenFile(tokenFile)
      if (found === null) {
        throw absent(`there is no token file ${tokenFile}`)
      }
      if (!isGiven && found.host === null) {
        throw new IpcError(
          'ERR_DISCOVERY_INVALID',
          `${tokenFile} is a bare token: websocket.url or websocket.socket must ` +
            'say where to'
        )
      }
      if (!isGiven) {
        // A copy of the discovery file says where the Shield is, too.
        return placeOf(found, useSocket, isGiven)
      }
      const { token, port } = found
      return {
        socket,
        url: url ?? urlOf(found),
        token,
        // A port that is forwarded to a Shield without one leads to its socket.
        port: port ?? (found.socket === null ? null : 'socket'),
        isGiven
      }
    }
  }
  if (isGiven) {
    const place = { socket, url: url ?? null, token: null, port: null, isGiven }
    return () => place
  }
  let attempts = 0
  return () => {
    const { records, error } = findRecords(location)
    const live = records.filter(({ state }) => state === 'live')
    if (live.length === 0) {
      if (records.length === 0 && error !== null) {
        throw error
      }
      const where = places(location).map(({ dir, name }) =>
        path.join(dir, `${name}.json`)
      )
      throw absent(
        records.length === 0
          ? `there is no ${where.join(' and no ')}`
          : 'the Shield that was here has closed'
      )
    }
    // A Shield that crashed leaves its file: each attempt tries the next one.
    return placeOf(live[attempts++ % live.length], useSocket, isGiven)
  }
}

module.exports = { locator, findRecords, liveRecords, places, urlOf }
