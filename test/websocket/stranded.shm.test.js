'use strict'
// A WebSocket client that asks for what a ring has when that is out of its
// place waits for the next ring, and the threat for which that is made is the
// first that it gets.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { IpcFactory } = require('../../lib/index.js')
const { useNative } = require('../helpers/native.js')
const { threat, useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const { Peer } = require('../helpers/websocket-peer.js')

describe('stranded between two rings', () => {
  const made = useNative()
  const current = useRing()

  const writes = {
    writeThreat: (shield) => shield.writeThreat(threat('the first')),
    writeThreats: (shield) => shield.writeThreats([threat('the first')])
  }
  for (const [name, write] of Object.entries(writes)) {
    it(`F60 ${name}: it comes once, and as it is in the ring`, async () => {
      const ring = current()
      const { dir } = ring
      const shield = ring.keep(
        IpcFactory.createHybridTransport({ dir, websocket: { port: 0 } })
      )
      await shield.ready()
      shield.writeThreat(threat('of the ring before'))
      const file = fs.openSync(ring.file, 'r+')
      fs.unlinkSync(ring.file)
      const peer = (await Peer.connect(dir)).read()
      peer.say({ type: 'subscribe', from: 'oldest' })
      await peer.next('status')
      fs.ftruncateSync(file, 0)
      fs.closeSync(file)
      assert.equal(write(shield), 1)
      shield.writeThreat(threat('the second'))
      const threats = () =>
        peer.messages.flatMap((message) => message.threats ?? [])
      const isThere = ({ details }) => details === 'the second'
      await until(() => threats().some(isThere), 'the second one')
      assert.deepEqual(
        threats().map(({ sequence, details, timestamp_us: timestampUs }) => ({
          sequence,
          details,
          timestampUs
        })),
        ring
          .client({ from: 'oldest' })
          .poll()
          .map(({ sequence, details, timestampUs }) => ({
            sequence,
            details,
            timestampUs
          }))
      )
      peer.end()
    })
  }

  it('F24 by a ring that was only moved away and back: it comes all the same', async () => {
    const ring = current()
    const { dir } = ring
    const shield = ring.keep(
      IpcFactory.createHybridTransport({ dir, websocket: { port: 0 } })
    )
    await shield.ready()
    for (let i = 0; i < 3; i++) shield.writeThreat(threat(`${i}`))
    const peer = (await Peer.connect(dir)).read()
    // No look of the writer's comes in between, and makes another ring.
    Object.defineProperty(made.writers[0], 'beat', { value() {} })
    fs.renameSync(ring.file, `${ring.file}.away`)
    peer.say({ type: 'subscribe', from: 'oldest' })
    await peer.next('status')
    fs.renameSync(`${ring.file}.away`, ring.file)
    const { generation } = shield.stats()
    const sequences = () =>
      peer.messages.flatMap(({ threats = [] }) =>
        threats.map(({ sequence }) => sequence)
      )
    await until(() => sequences().length === 3, 'what the ring has')
    shield.writeThreat(threat('one more'))
    await until(() => sequences().length === 4, 'one more')
    assert.deepEqual(sequences(), [1, 2, 3, 4])
    assert.equal(shield.stats().generation, generation)
    peer.end()
  })
})
