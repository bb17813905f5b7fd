'use strict'
// Decides by headers alone which request may become a WebSocket, apart from its
// proof. A web page's may not, whatever host name it used.

const { isLoopback } = require('../../base/loopback.js')
const { headerValues } = require('../auth.js')

const MAX_HEADERS = 64
const HOST = /^(?:\[(::1)\]|(127\.[0-9.]{5,11})|localhost)(?::([0-9]{1,5}))?$/i

/**
 * What is wrong with an upgrade request, apart from its proof.
 * @param {{ rawHeaders: string[], method: string, url: string }} request
 * @returns {{ status: number, reason: string, headers?: string[] } | null}
 */
function judgeUpgrade({ rawHeaders, method, url }) {
  const values = (name) => headerValues(rawHeaders, name)
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    return { status: 431, reason: 'headers' }
  }
  // Browsers send it for every web page. The second is an old draft's name.
  if (values('origin').length + values('sec-websocket-origin').length > 0) {
    return { status: 403, reason: 'origin' }
  }
  // DNS rebinding: a page whose name resolves to this machine sends that name.
  const hosts = values('host')
  if (hosts.length !== 1 || !isLoopbackHost(hosts[0])) {
    return { status: 403, reason: 'host' }
  }
  if (method !== 'GET') {
    return { status: 405, reason: 'method', headers: ['Allow: GET'] }
  }
  if (url !== '/') {
    return { status: 404, reason: 'path' }
  }
  // An upgrade has no body, and parsers disagree on what its bytes would be.
  if (values('content-length').length + values('transfer-encoding').length) {
    return { status: 400, reason: 'malformed' }
  }
  return null
}

function isLoopbackHost(value) {
  const match = HOST.exec(value)
  if (match === null) {
    return false
  }
  const [, v6, v4, port = 0] = match
  const address = v6 ?? v4
  // No other machine's page can have the name localhost: browsers resolve it
  // themselves, and such a page has an Origin.
  return (address === undefined || isLoopback(address)) && Number(port) <= 65535
}

module.exports = { judgeUpgrade }
