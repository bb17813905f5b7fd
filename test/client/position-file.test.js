'use strict'
// `after: { file }`: a client begins where the file says, or where `from` does,
// and tells why. Nothing that stands in the file keeps it from reading.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { useFactory, write } = require('../helpers/factory.js')
const { sequences } = require('../helpers/sequences.js')
const { collect, record, turn } = require('../helpers/wait.js')

describe('after a position in a file', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  let shield
  let file
  let good

  beforeEach(async () => {
    shield = await shieldOf(IpcFactory.createTransport, overWebSocket())
    write(shield, 10)
    // Not in the ring's directory, which is watched.
    file = path.join(current().dir, 'storage', 'position.json')
    const { generation } = shield.stats()
    good = { version: 1, generation, sequence: 6, priority: 0 }
  })

  /** A client that begins with the oldest unless the file says more. */
  async function open(begin = { from: 'oldest' }) {
    const options = { ...overWebSocket(), after: { file }, ...begin }
    return current().keep(await IpcFactory.createClient(options))
  }

  function put(content) {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.rmSync(file, { force: true, recursive: true })
    fs.writeFileSync(file, content, { mode: 0o600 })
  }

  it('goes on behind it', async () => {
    const client = await open()
    assert.deepEqual(sequences(await collect(client, 4)), [1, 2, 3, 4])
    assert.equal(client.savePosition(file), true)
    await client.close()
    const next = await open()
    assert.deepEqual(sequences(await collect(next, 6)), [5, 6, 7, 8, 9, 10])
    assert.equal(next.stats().error, null)
  })

  it('that is not there, or in no folder: from, and no error', async () => {
    for (const make of [() => {}, () => fs.mkdirSync(path.dirname(file))]) {
      make()
      const client = await open({ from: 9 })
      const errors = record(client, 'error')
      assert.deepEqual(sequences(await collect(client, 2)), [9, 10])
      assert.deepEqual([errors, client.stats().error], [[], null])
    }
  })

  it('without from begins with the latest when there is none', async () => {
    const client = await open({})
    const first = collect(client, 1)
    while (client.stats().generation === null) await turn()
    write(shield, 1)
    assert.deepEqual(sequences(await first), [11])
  })

  it('of a client that has seen no Shield leaves the file alone', async () => {
    put(JSON.stringify(good))
    await shield.close()
    const none = await open()
    none.savePosition(file)
    await none.close()
    const read = JSON.parse(fs.readFileSync(file, 'utf8'))
    assert.deepEqual(read, good)
    fs.rmSync(file)
    const first = await open()
    assert.equal(first.savePosition(file), false)
    assert.equal(fs.existsSync(file), false)
  })

  it('that is damaged: from, and an error that says so, once', async () => {
    put('{"version":1,"generation":"01')
    const client = await open()
    const errors = record(client, 'error')
    assert.deepEqual(sequences(await collect(client, 10)).at(0), 1)
    assert.equal(errors.length, 1)
    const [error] = errors
    assert.equal(error.code, 'ERR_POSITION_INVALID')
    assert.match(error.message, /position\.json is no JSON\. Reading begins/)
    assert.equal(client.stats().error, error)
    // And the next window has a file again.
    assert.equal(client.savePosition(file), true)
    assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).sequence, 10)
  })

  it('that is a folder, or below a file: the same', async () => {
    for (const make of [
      () => fs.mkdirSync(file, { recursive: true }),
      () => {
        fs.rmSync(path.dirname(file), { recursive: true })
        fs.writeFileSync(path.dirname(file), '')
      }
    ]) {
      make()
      const client = await open()
      assert.deepEqual(sequences(await collect(client, 1)), [1])
    }
  })

  it('in a prototype of every object: it is not taken from there', async () => {
    Object.prototype.file = file
    try {
      put(JSON.stringify(good))
      const { generation } = good
      const client = current().keep(
        await IpcFactory.createClient({
          ...overWebSocket(),
          after: { generation, sequence: 8 }
        })
      )
      assert.deepEqual(sequences(await collect(client, 2)), [9, 10])
    } finally {
      delete Object.prototype.file
    }
  })

  it('an error that nobody listens for ends nothing', async () => {
    put('damaged')
    const client = await open()
    await turn()
    assert.equal(client.stats().error.code, 'ERR_POSITION_INVALID')
    assert.equal((await collect(client, 10)).length, 10)
  })
})
