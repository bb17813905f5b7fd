'use strict'
// A poll thread that cannot be had (a limit of processes, say) is an error of
// that call, and the client works once it can be had.

const assert = require('node:assert/strict')
const { native } = require('../../lib/shm/addon.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect, until } = require('../helpers/wait.js')

describe('a poll thread that cannot start', () => {
  const current = useRing()
  const { Reader } = native
  let writer
  let client
  let reader

  beforeEach(() => {
    writer = current().writer()
    // The one thing that is faked: the system has no thread to give.
    native.Reader = function Threadless(...args) {
      reader = new Reader(...args)
      return Object.defineProperty(reader, 'start', {
        configurable: true,
        value() {
          throw Object.assign(new Error('no thread'), { code: 'ERR_SYSTEM' })
        }
      })
    }
    client = current().client({ from: 'oldest' })
    writer.writeThreat(threat('one'))
  })

  afterEach(() => {
    native.Reader = Reader
  })

  it('rejects pollThreats, and the next one gets its event', async () => {
    await assert.rejects(
      client.pollThreats(() => false),
      { code: 'ERR_SYSTEM' }
    )
    delete reader.start
    const [got] = await collect(client, 1)
    assert.equal(got.sequence, 1)
    assert.equal(client.stats().received, 1)
  })

  it("is an 'error' event for a listener, who goes on later", async () => {
    const errors = []
    const seen = []
    client.on('error', (error) => errors.push(error.code))
    client.on('threat', ({ sequence }) => seen.push(sequence))
    await until(() => errors.length > 0, 'the error')
    assert.deepEqual(errors, ['ERR_SYSTEM'])
    assert.deepEqual(seen, [1])
    delete reader.start
    client.on('threats', () => {})
    writer.writeThreat(threat('two'))
    await until(() => seen.length === 2, 'the second')
    assert.deepEqual(seen, [1, 2])
  })
  it("F47 an 'error' listener that throws is called once", async () => {
    const child = current().child()
    const uncaught = await child.call(async (state, dir) => {
      const { native: addon } = state.require('../../lib/shm/addon.js')
      const { Reader: Real } = addon
      addon.Reader = function Threadless(...args) {
        return Object.defineProperty(new Real(...args), 'start', {
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
    }, current().dir)
    assert.deepEqual(uncaught, ['no'])
  })
})
