'use strict'
// Options of a call of a client that are no plain object.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../lib/index.js')
const { useFactory } = require('../helpers/factory.js')

describe('options of a call that are no plain object', () => {
  const { overWebSocket, shieldOf, current } = useFactory()

  it('F79 of pollThreats: a signal by itself, and a controller', async () => {
    const { createHybridTransport, createClient } = IpcFactory
    await shieldOf(createHybridTransport, overWebSocket())
    const client = current().keep(await createClient(overWebSocket()))
    const controller = new AbortController()
    const { signal } = controller
    const wrong = [signal, controller, [signal], Object.create({ signal })]
    for (const options of [...wrong, { signal, sginal: signal }]) {
      await assert.rejects(client.pollThreats(assert.fail, options), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARGUMENT',
        message: /^signal: expected { signal: AbortSignal }/
      })
    }
    controller.abort()
    await client.pollThreats(assert.fail, { signal })
  })
})
