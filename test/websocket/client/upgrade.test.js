'use strict'
// A field of the package `ws` that is none of its API makes a client of a
// connection that was upgraded already.

const assert = require('node:assert/strict')
const path = require('node:path')
const { Program } = require('../../helpers/child.js')
const { within } = require('../../helpers/wait.js')

/** Runs in a process of its own: what connecting says. */
async function attempt(_ipc, { connect, ws, isOther }) {
  if (isOther) {
    const { EventEmitter } = require('node:events')
    require(ws)
    require.cache[ws].exports = class extends EventEmitter {
      isClient = false
    }
  }
  const url = 'ws://127.0.0.1:9'
  const code = await require(connect)
    .connect({ url })
    .catch((error) => `${error.code}: ${error.message}`)
  process.stdout.write(code)
}

describe('the package ws', () => {
  async function says(isOther) {
    const connect = require.resolve('../../../lib/websocket/client/connect.js')
    // In Bun, 'ws' alone is a module of its own.
    const folder = path.dirname(require.resolve('ws/package.json'))
    const ws = path.join(folder, 'index.js')
    const program = new Program(
      attempt,
      { connect, ws, isOther },
      { bare: true }
    )
    const { stdout, stderr } = await within(program.exited, 'its end')
    assert.equal(stderr, '')
    return stdout
  }

  it('is one whose clients are made as they are here', async () => {
    assert.match(await says(false), /^ERR_WEBSOCKET_UNREACHABLE: /)
  })

  it('of another kind is named by every attempt to connect', async () => {
    assert.match(
      await says(true),
      /^ERR_SYSTEM: .*the package ws makes no client/
    )
  })
})
