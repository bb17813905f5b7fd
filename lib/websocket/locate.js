'use strict'
// Where the Shield's server is: the names of its discovery file, for the side
// that writes it and the side that looks for it.

const { createHash } = require('node:crypto')
const { IpcError } = require('../base/errors.js')
const {
  discoveryDirs,
  readDiscovery,
  readTokenFile
} = require('./discovery-file.js')

/**
 * The places of the discovery file, best first. With a `dir` of one's own it
 * is in there; when somebody else has that directory, it stands at home, under
 * a name that tells it from the files of other directories.
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
 * What Shields have written into those places, the newest first: one that
 * could not reach the best place may have another file than the one before.
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
  // What a Shield said last may be in another place than what it said first.
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

/** Of Shields that say that they live. @see findRecords */
const liveRecords = (location) =>
  findRecords(location).records.filter(({ state }) => state === 'live')

/** An error by which there is no Shield, as far as can be known. */
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
  const proof = () => {
    const found = tokenFile === undefined ? null : readTokenFile(tokenFile)
    if (tokenFile !== undefined && found === null) {
      throw absent(`there is no token file ${tokenFile}`)
    }
    return found ?? { token: null, host: null, port: null }
  }
  if (url !== undefined) {
    return () => {
      const { token, port } = proof()
      return { url, token, port, isGiven: true }
    }
  }
  if (tokenFile !== undefined) {
    // A copy of the discovery file says where the Shield is, too.
    return () => {
      const { token, host, port } = proof()
      if (port === null) {
        throw new IpcError(
          'ERR_DISCOVERY_INVALID',
          `${tokenFile} is a bare token: websocket.url must say where to`
        )
      }
      return { url: urlOf({ host, port }), token, port, isGiven: false }
    }
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
    // One that crashed has left its file; the next attempt tries the next.
    const record = live[attempts++ % live.length]
    const { token = null, port } = record
    return { url: urlOf(record), token, port, isGiven: false }
  }
}

module.exports = { locator, findRecords, liveRecords, places, urlOf }
