'use strict'
// Where the Shield's server is: the places of its discovery file, for the Shield
// that writes it and the clients that look for it.

const { createHash } = require('node:crypto')
const { IpcError } = require('../base/errors.js')
const {
  discoveryDirs,
  readDiscovery,
  readTokenFile
} = require('./discovery-file.js')

/**
 * The places of the discovery file, the best first. With the option `dir` it is
 * in there, or, when that directory is another user's, at home under a name
 * made from that path.
 * @param {{ dir?: string, name?: string }} location
 * @returns {{ dir: string, name: string }[]}
 */
function places({ dir, name = 'kindly-guard' }) {
  if (dir === undefined) {
    return discoveryDirs().map((home) => ({ dir: home, name }))
  }
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 16)
  return [
    { dir, name },
    ...discoveryDirs().map((home) => ({ dir: home, name: `${name}-${hash}` }))
  ]
}

const urlOf = ({ host, port }) =>
  `ws://${host.includes(':') ? `[${host}]` : host}:${port}`

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
 * @param {{ dir?: string, name?: string }} location
 * @param {{ url?: string, tokenFile?: string }} websocket checked options
 * @returns {() => { url: string, token: string | null, port: number | null,
 *   isGiven: boolean }} looks anew at each call; throws an IpcError.
 *   `isGiven`: no Shield said that it is there
 */
function locator(location, { url, tokenFile }) {
  if (tokenFile !== undefined) {
    return () => {
      const found = readTokenFile(tokenFile)
      if (found === null) {
        throw absent(`there is no token file ${tokenFile}`)
      }
      const { token, port } = found
      // A copy of the discovery file says where the Shield is, too.
      if (url === undefined && port === null) {
        throw new IpcError(
          'ERR_DISCOVERY_INVALID',
          `${tokenFile} is a bare token: websocket.url must say where to`
        )
      }
      const isGiven = url !== undefined
      return { url: url ?? urlOf(found), token, port, isGiven }
    }
  }
  if (url !== undefined) {
    return () => ({ url, token: null, port: null, isGiven: true })
  }
  let attempts = 0
  return () => {
    const { records, error } = findRecords(location)
    const live = records.filter(({ state }) => state === 'live')
    if (live.length === 0) {
      if (records.length === 0 && error !== null) {
        throw error
      }
      const where = places(location).map(({ dir, name }) => `${dir}/${name}`)
      throw absent(
        records.length === 0
          ? `there is no ${where.join('.json and no ')}.json`
          : 'the Shield that was here has closed'
      )
    }
    // A Shield that crashed leaves its file: each attempt tries the next one.
    const record = live[attempts++ % live.length]
    const { token = null, port } = record
    return { url: urlOf(record), token, port, isGiven: false }
  }
}

module.exports = { locator, findRecords, liveRecords, places, urlOf }
