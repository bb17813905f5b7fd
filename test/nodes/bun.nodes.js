'use strict'
// F84 Bun, which has not all of libuv: unavailable with a reason, and all of
// WebSocket, between Bun and Node and within Bun.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { describeExchange } = require('./exchange.js')
const { commandOf, LIBRARY } = require('./processes.js')

const REASON = /^Bun \d+\.\d+\.\d+ does not have the functions of libuv/

describe('Bun', () => {
  const library = JSON.stringify(LIBRARY)
  const asks =
    'const { isAvailable, unavailableReason } = PlatformShm;' +
    'console.log(JSON.stringify([isAvailable(), unavailableReason()]))'
  const loads = {
    require: `const { PlatformShm } = require(${library}); ${asks}`,
    import: `import { PlatformShm } from ${library.replace(/js"$/, 'mjs"')}; ${asks}`
  }
  for (const [how, script] of Object.entries(loads)) {
    it(`F84 by ${how}: a reason, and it lives`, () => {
      const [bun] = commandOf('bun')
      const result = spawnSync(bun, ['-e', script], { encoding: 'utf8' })
      assert.equal(result.status, 0, result.stderr)
      const [isAvailable, reason] = JSON.parse(result.stdout)
      assert.equal(isAvailable, false)
      assert.match(reason, REASON)
    })
  }

  const overPort = { options: { websocket: { socket: false } }, how: 'port' }
  describeExchange('F84', [
    { shield: 'bun', client: 'bun', serves: 'websocket', by: 'websocket' },
    { shield: 'bun', client: 'node', serves: 'websocket', by: 'websocket' },
    { shield: 'node', client: 'bun', serves: 'hybrid', by: 'websocket' },
    {
      ...{ shield: 'node', client: 'bun', serves: 'hybrid', by: 'websocket' },
      ...overPort
    },
    {
      ...{
        shield: 'bun',
        client: 'node',
        serves: 'websocket',
        by: 'websocket'
      },
      ...overPort
    }
  ])
})
