'use strict'
// Where the Shield's server is: the names of its discovery file, for the side
// that writes it and the side that looks for it.

const { createHash } = require('node:crypto')
const { IpcError } = require('./errors.js')
const {
  discoveryDirs,
  readDiscovery,
  readTokenFile
} = require('./websocket-discovery.js')

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
 * The record of a Shield that says it lives, and where it stands.
 * @param {{ dir?: string, name?: string }} location
 * @returns {{ record: object | null, error: Error | null }} the error of the
 *   first place that could not be read
 */
function findRecord(location) {
  let error = null
  let closed = null
  for (const { dir, name } of places(location)) {
    try {
      const record = readDiscovery(dir, name)
      if (record?.state === 'live') {
        return { record, error: null }
      }
      closed ??= record
    } catch (caught) {
      error ??= caught
    }
  }
  return { record: closed, error }
}

/**
 * @param {{ dir?: string, name?: string }} location
 * @param {{ url?: string, tokenFile?: string }} websocket checked options
 * @returns {() => { url: string, token: string | null, port: number | null }}
 *   looks anew at each call; throws an IpcError
 */
function finder(location, { url, tokenFile }) {
  const proof = () => {
    const found = tokenFile === undefined ? null : readTokenFile(tokenFile)
    if (tokenFile !== undefined && found === null) {
      throw new IpcError(
        'ERR_WEBSOCKET_UNREACHABLE',
        `there is no token file ${tokenFile}`
      )
    }
    return found ?? { token: null, port: null }
  }
  if (url !== undefined) {
    return () => ({ url, ...proof() })
  }
  return () => {
    const { record, error } = findRecord(location)
    if (record === null && error !== null) {
      throw error
    }
    if (record?.state !== 'live') {
      const where = places(location).map(({ dir, name }) => `${dir}/${name}`)
      throw new IpcError(
        'ERR_WEBSOCKET_UNREACHABLE',
        record === null
          ? `there is no ${where.join('.json and no ')}.json`
          : 'the Shield that was here has closed'
      )
    }
    const { token = null, port } = record
    return { url: urlOf(record), token, port }
  }
}

module.exports = { finder, findRecord, places, urlOf }
