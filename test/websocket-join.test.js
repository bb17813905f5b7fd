'use strict'
// A client that joins from the oldest event on, and loses the line meanwhile.

const assert = require('node:assert/strict')
const { IpcFactory } = require('../lib/index.js')
const { useRing } = require('./helpers/ring.js')
const { record, until } = require('./helpers/wait.js')
const { Liar, threatsOf } = require('./helpers/websocket-peer.js')

describe('from the oldest over WebSocket', () => {
  const current = useRing()

  for (const joined of [false, true]) {
    const what = joined ? 'behind' : 'in front of'
    const reason = joined ? 'overwritten' : 'before-join'

    it(`the line is lost ${what} the first event: ${reason}`, async () => {
      const ring = current()
      const liar = ring.keep(
        await new Liar(ring.dir, (line, { type, from }) => {
          if (type !== 'subscribe') return
          if (from === 'oldest') {
            line.status({ next: 1, sequence: 7 })
            if (joined) line.threats(threatsOf(1, 1))
            line.socket.close()
          } else {
            line.status({ next: from, sequence: 7 })
            line.lost({ count: 6 - from, from, to: 5 })
            line.threats(threatsOf(6, 7))
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
      const from = joined ? 2 : 1
      assert.deepEqual(losses, [
        { count: 6 - from, from, to: 5, generation, reason }
      ])
      assert.equal(client.stats().lost, joined ? 4 : 0)
    })
  }

  for (const before of [0, 3]) {
    it(`the line is lost, and what came since with ${before} before`, async () => {
      const ring = current()
      const liar = ring.keep(
        await new Liar(ring.dir, (line, { type, from }) => {
          if (type !== 'subscribe') return
          if (from === 'oldest') {
            line.status({ next: 1, sequence: before })
            line.socket.close()
          } else {
            line.status({ next: from, sequence: 7 })
            line.lost({ count: 6 - from, from, to: 5 })
            line.threats(threatsOf(6, 7))
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
        ...{ count: to - from + 1, from, to },
        ...{ generation, reason }
      })
      const since = loss(before + 1, 5, 'overwritten')
      assert.deepEqual(
        losses,
        before === 0 ? [since] : [loss(1, before, 'before-join'), since]
      )
      assert.equal(client.stats().lost, 5 - before)
    })
  }
})
