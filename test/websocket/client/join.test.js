'use strict'
// A client that joins from the oldest event on, and loses the connection meanwhile.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../../../lib/index.js')
const { useRing } = require('../../helpers/ring.js')
const { record, until } = require('../../helpers/wait.js')
const { Liar, threatsOf } = require('../../helpers/websocket-peer.js')

describe('from the oldest over WebSocket', () => {
  const current = useRing()

  /**
   * A client whose connection is lost behind its first status, and which is told then
   * that all in front of 6 is gone, of 7.
   * @param {{ sequence: number, joined?: boolean }} first what the status says,
   *   and whether an event comes behind it
   */
  async function connectionIsLost({ sequence, joined = false }) {
    const ring = current()
    const liar = ring.keep(
      await new Liar(ring.dir, (connection, { type, from }) => {
        if (type !== 'subscribe') return
        if (from === 'oldest') {
          connection.status({ next: 1, sequence })
          if (joined) connection.threats(threatsOf(1, 1))
          connection.socket.close()
        } else {
          connection.status({ next: from, sequence: 7 })
          connection.lost({ count: 6 - from, from, to: 5 })
          connection.threats(threatsOf(6, 7))
        }
      }).listen()
    )
    const client = ring.keep(
      await IpcFactory.createClient({
        dir: ring.dir,
        preferShm: false,
        from: 'oldest'
      })
    )
    const losses = record(client, 'lost')
    const threats = record(client, 'threat')
    await until(() => threats.at(-1)?.sequence === 7, 'the last one')
    const { generation } = liar
    const loss = (from, to, reason) => ({
      ...{ count: to - from + 1, from, to, priority: null },
      ...{ generation, reason }
    })
    return { losses, loss, lost: client.stats().lost }
  }

  it('the connection is lost in front of the first event: before-join', async () => {
    const { losses, loss, lost } = await connectionIsLost({ sequence: 7 })
    assert.deepEqual(losses, [loss(1, 5, 'before-join')])
    assert.equal(lost, 0)
  })

  it('the connection is lost behind the first event: overwritten', async () => {
    const first = { sequence: 7, joined: true }
    const { losses, loss, lost } = await connectionIsLost(first)
    assert.deepEqual(losses, [loss(2, 5, 'overwritten')])
    assert.equal(lost, 4)
  })

  it('the connection is lost, and all that came since', async () => {
    const { losses, loss, lost } = await connectionIsLost({ sequence: 0 })
    assert.deepEqual(losses, [loss(1, 5, 'overwritten')])
    assert.equal(lost, 5)
  })

  it('the connection is lost, some from before and some that came since', async () => {
    const { losses, loss, lost } = await connectionIsLost({ sequence: 3 })
    assert.deepEqual(losses, [
      loss(1, 3, 'before-join'),
      loss(4, 5, 'overwritten')
    ])
    assert.equal(lost, 2)
  })
})
