'use strict'
// One question to a Shield and its answer, by one way, with both proofs. The
// connection is gone behind it.

const { connect } = require('../../websocket/client/connect.js')
const { STATUS_COMMAND } = require('../../websocket/client/commands.js')
const { parseMessage } = require('../../websocket/protocol.js')

const PATIENCE_MS = 3000

function answerOf(socket) {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`none in ${PATIENCE_MS} ms`))
    const timer = setTimeout(late, PATIENCE_MS)
    const end = (action, value) => {
      clearTimeout(timer)
      action(value)
    }
    socket.on('close', () => end(reject, new Error('it hung up')))
    socket.on('message', (data, isBinary) => {
      try {
        const message = parseMessage(data, isBinary)
        if (message.type === 'status') end(resolve, message)
      } catch (error) {
        end(reject, error)
      }
    })
    socket.send(STATUS_COMMAND)
    socket.resume()
  })
}

/**
 * @param {import('../../websocket/locate.js').Place} place with one way only
 * @returns {Promise<{ micros: number, sequence: number }>} how long the answer
 *   took on an open connection, and the last sequence
 * @throws {Error} why there was none
 */
async function roundTrip({ socket, url, token, port }) {
  const opened = await connect({
    socket,
    url,
    token,
    port,
    handshakeTimeoutMs: PATIENCE_MS
  })
  try {
    const begin = performance.now()
    const { sequence } = await answerOf(opened)
    return { micros: (performance.now() - begin) * 1000, sequence }
  } finally {
    opened.terminate()
  }
}

module.exports = { roundTrip }
