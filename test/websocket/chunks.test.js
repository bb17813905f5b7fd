'use strict'
// How many chunks of a frame, and answers to pings, wait at either end of a
// WebSocket, just below and just above what is allowed.

const assert = require('node:assert/strict')
const { createToken } = require('../../lib/websocket/auth.js')
const { connect } = require('../../lib/websocket/client/connect.js')
const { newHandshakeServer } = require('../helpers/handshake.js')
const { record, turn, until } = require('../helpers/wait.js')

const MAX_PONGS = 60
const LENGTH = 2 ** 20

describe('F71 what waits at an end of a WebSocket', () => {
  let gate
  let ends

  beforeEach(async () => {
    const token = createToken()
    gate = newHandshakeServer({ token })
    gate.clients = record(gate, 'connection')
    const url = `ws://127.0.0.1:${await gate.listen()}`
    const client = await connect({ url, token })
    client.resume()
    ends = { client, server: gate.clients[0] }
  })

  afterEach(async () => {
    ends.client.terminate()
    await gate.close()
  })

  /** The beginning of a frame that has a part of its payload. */
  function begin(length, isMasked) {
    const bytes = Buffer.alloc(isMasked ? 14 : 10)
    bytes[0] = 0x01
    bytes[1] = 127 | (isMasked ? 0x80 : 0)
    bytes.writeBigUInt64BE(BigInt(length), 2)
    return bytes
  }

  for (const [name, most, length] of [
    ['server', 1024, 16 * 1024],
    ['client', 256 * 1024, LENGTH]
  ]) {
    it(`at the ${name}, ${most} chunks of one frame may, and no more`, async () => {
      const end = ends[name]
      const errors = record(end, 'error')
      const chunk = Buffer.from(' ')
      const take = (bytes) => end._socket.emit('data', bytes)
      take(begin(length, name === 'server'))
      for (let i = 0; i < most; i++) take(chunk)
      await turn()
      assert.deepEqual(errors, [])
      take(chunk)
      await until(() => errors.length === 1, 'its end')
      assert.match(errors[0].message, /Too many buffered chunks/)
    })
  }

  it(`at the client, ${MAX_PONGS} answers to pings may, and no more`, async () => {
    const { client } = ends
    const pings = record(client, 'ping')
    // None of them goes out.
    client._socket.cork()
    const ping = () => client._socket.emit('data', Buffer.from('8900', 'hex'))
    for (let i = 0; i < MAX_PONGS; i++) ping()
    await until(() => pings.length === MAX_PONGS, 'all of them')
    assert.equal(client.readyState, client.OPEN)
    ping()
    await until(() => client.readyState !== client.OPEN, 'its end')
  })
})
