'use strict'
// A poll thread that cannot be had (a limit of processes, say) is an error of
// that call, and the client works once it can be had.

const assert = require('node:assert/strict')
const { useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, until } = require('../helpers/wait.js')

describe('a poll thread that cannot start', () => {
  const made = useNative()
  const current = useRing()
  let writer
  let client

  beforeEach(() => {
    writer = current().writer()
    client = current().client({ from: 'oldest' })
    // The one thing that is faked: the system has no thread to give.
    Object.defineProperty(made.readers[0], 'start', {
      configurable: true,
      value() {
        throw Object.assign(new Error('no thread'), { code: 'ERR_SYSTEM' })
      }
    })
    writer.writeThreat(threat('one'))
  })

  it('rejects pollThreats, and the next one gets its event', async () => {
    await assert.rejects(
      client.pollThreats(() => false),
      { code: 'ERR_SYSTEM' }
    )
    delete made.readers[0].start
    const [got] = await collect(client, 1)
    assert.equal(got.sequence, 1)
    assert.equal(client.stats().received, 1)
  })

  it("is an 'error' event for a listener, who goes on later", async () => {
    const errors = []
    const seen = []
    client.on('error', (error) => errors.push(error.code))
    const listen = ({ sequence }) => seen.push(sequence)
    client.on('threat', listen)
    await until(() => errors.length > 0, 'the error')
    assert.deepEqual(errors, ['ERR_SYSTEM'])
    assert.deepEqual(seen, [1])
    delete made.readers[0].start
    client.off('threat', listen)
    client.on('threat', listen)
    writer.writeThreat(threat('two'))
    await until(() => seen.length === 2, 'the second')
    assert.deepEqual(seen, [1, 2])
  })
  it("F47 an 'error' listener that throws is called once", async () => {
    const child = current().child()
    const file = require.resolve('../../lib/shm/addon.js')
    const argument = { dir: current().dir, addon: file }
    const uncaught = await child.call(async (state, { dir, addon }) => {
      const { native } = state.require(addon)
      const { Reader } = native
      native.Reader = function ReaderWithoutThread(options) {
        return Object.defineProperty(new Reader(options), 'start', {
          value() {
            throw new Error('no thread')
          }
        })
      }
      const there = new state.ipc.ShmClient({ dir, from: 'oldest' })
      const caught = []
      process.on('uncaughtException', ({ message }) => caught.push(message))
      there.on('error', () => {
        throw new Error('no')
      })
      there.on('threat', () => {})
      await state.sleep(50)
      there.close()
      return caught
    }, argument)
    assert.deepEqual(uncaught, ['no'])
  })
})
