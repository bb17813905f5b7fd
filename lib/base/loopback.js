'use strict'
// Addresses that no other machine can reach.

const { lazy } = require('./load.js')

// A client that reads a ring needs no network.
const net = lazy(() => require('node:net'))

/**
 * Whether this is an address that no other machine can reach, as a literal: a
 * name such as localhost can be made to resolve to something else.
 * @param {unknown} address `127.x.y.z` or `::1`, without brackets
 * @returns {boolean}
 */
function isLoopback(address) {
  if (typeof address !== 'string') {
    return false
  }
  return (
    address === '::1' || (net().isIPv4(address) && address.startsWith('127.'))
  )
}

/**
 * Whether this can be the URL of a Shield: ws://, a loopback address, a port and
 * nothing else.
 * @param {string} value
 */
function isShieldUrl(value) {
  let url
  try {
    url = new URL(value)
  } catch {
    return false
  }
  const { protocol, hostname, username, password, pathname, search, hash } = url
  return (
    protocol === 'ws:' &&
    pathname === '/' &&
    `${username}${password}${search}${hash}` === '' &&
    url.port !== '0' &&
    isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))
  )
}

module.exports = { isLoopback, isShieldUrl }
