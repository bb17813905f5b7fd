'use strict'
// What a client over WebSocket counts of the losses that a server tells.

const assert = require('node:assert/strict')
const { until } = require('../../helpers/wait.js')
const { useLiar } = require('../../helpers/websocket-lies.js')

const MAX = Number.MAX_SAFE_INTEGER

describe('the losses that a server tells', () => {
  const { liar, reader } = useLiar()

  /** The stats of a client that begins with `from` and is told these. */
  async function statsOf(losses, options) {
    await liar((connection) => {
      connection.status({ next: 1 })
      losses.forEach((loss) => connection.lost(loss))
    })
    const client = await reader(options)
    client.on('threat', () => {})
    await until(() => client.losses.length >= losses.length, 'all of them')
    return client.stats()
  }

  it('F59 those of a damaged event are counted as such, too', async () => {
    const { lost, corrupt } = await statsOf([
      { count: 1, from: 1, to: 1, priority: 0, reason: 'corrupt' },
      { count: 3, from: 2, to: 4, priority: 1 },
      { count: 2, from: 5, to: 6, priority: 0, reason: 'corrupt' }
    ])
    assert.deepEqual([lost, corrupt], [6, 2])
  })

  it('F59 what is lost of all numbers is a whole number', async () => {
    const { lost } = await statsOf([
      { count: MAX - 1, from: 1, to: MAX - 1, priority: 0 },
      { count: 1, from: MAX, to: MAX, priority: 0 },
      { count: null, from: null, to: null, priority: null, reason: 'replaced' }
    ])
    assert.equal(lost, MAX)
  })
})
