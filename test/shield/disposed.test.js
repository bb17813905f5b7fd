'use strict'
// `using` and `await using`: what leaves its block is closed.

const assert = require('node:assert/strict')
const {
  IpcFactory,
  PlatformShm,
  SharedMemoryIpc,
  ShmClient
} = require('../../lib/index.js')
const { connected, useFactory } = require('../helpers/factory.js')
const { within } = require('../helpers/wait.js')

describe('what is disposed of', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let ring

  beforeEach(() => {
    ring = current()
  })

  const shield = () => shieldOf(IpcFactory.createTransport, overWebSocket())
  const makes = {
    'a Shield': shield,
    'a client': async () => {
      await shield()
      return connected(ring, overWebSocket())
    }
  }
  if (PlatformShm.isAvailable()) {
    makes['the writer of a ring'] = async () =>
      ring.keep(new SharedMemoryIpc({ dir: ring.dir }))
    makes['the reader of a ring'] = async () => {
      ring.writer()
      return ring.keep(new ShmClient({ dir: ring.dir }))
    }
  }
  for (const [what, make] of Object.entries(makes)) {
    for (const name of ['dispose', 'asyncDispose']) {
      it(`${what}, by Symbol.${name}: closed`, async () => {
        const one = await make()
        assert.equal(one.closed, false)
        const closed = new Promise((resolve) => {
          one.on('close', resolve)
        })
        const result = one[Symbol[name]]()
        assert.equal(one.closed, true)
        // With `await using`, the block is left when everything is freed.
        assert.equal(result, one.close())
        await within(closed, 'its event')
      })
    }
  }
})
