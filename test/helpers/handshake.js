'use strict'

const { checkWebSocket } = require('../../lib/options/websocket.js')
const { HandshakeServer } = require('../../lib/websocket/server/handshake.js')

/**
 * A server of handshakes on a port of its own; `options` as those under
 * `websocket`, and the token.
 */
const newHandshakeServer = ({ token, ...options }) =>
  new HandshakeServer(checkWebSocket({ port: 0, ...options }), token)

module.exports = { newHandshakeServer }
