'use strict'
// What JSON has of an error, and of the statistics that it stands in.

const assert = require('node:assert/strict')
const { IpcError, IpcFactory, loadConfig } = require('../../lib/index.js')
const { useFactory } = require('../helpers/factory.js')
const { until } = require('../helpers/wait.js')

/** The error of what `action` throws. */
function thrownBy(action) {
  try {
    action()
  } catch (error) {
    return error
  }
  assert.fail('nothing was thrown')
}

const jsonOf = (value) => JSON.parse(JSON.stringify(value))

describe('errors as JSON', () => {
  const { current, overWebSocket, shieldOf } = useFactory()

  function assertWhole(error) {
    const { name, code, message } = error
    assert.equal(typeof code, 'string')
    assert(message.length > 20)
    assert.deepEqual(jsonOf(error), { name, code, message })
    // The same wherever it stands.
    assert.deepEqual(jsonOf({ list: [error] }).list[0], { name, code, message })
    assert.deepEqual(Object.keys(error), ['code'])
  }

  it('F78 of an IpcError', () => {
    const error = thrownBy(() => loadConfig('/none/there.toml', {}))
    assert(error instanceof IpcError)
    assert.notEqual(error.cause, undefined)
    assertWhole(error)
    assert(error.stack.startsWith(`IpcError: ${error.message}`))
    assert.equal(String(error), `IpcError: ${error.message}`)
  })

  it('F78 of an argument’s TypeError and RangeError', () => {
    const { createTransport } = IpcFactory
    const type = thrownBy(() => createTransport({ maxEvents: 'x' }))
    const range = thrownBy(() => createTransport({ maxEvents: 0 }))
    assert.deepEqual([type.name, range.name], ['TypeError', 'RangeError'])
    assertWhole(type)
    assertWhole(range)
  })

  it('F78 of a configuration that is no TOML: not the lines of it', () => {
    const fs = require('node:fs')
    const path = require('node:path')
    const file = path.join(current().dir, 'shield.toml')
    fs.writeFileSync(file, 'password = "a secret"\nwrong\nkey = "another"\n')
    const error = thrownBy(() => loadConfig(file, {}))
    assertWhole(error)
    const text = require('node:util').inspect(error, { depth: Infinity })
    assert.equal(/secret|another/.test(text), false, text)
  })

  it('F78 of stats(), and nothing that is not documented', async () => {
    const { createHybridTransport, createClient } = IpcFactory
    const client = current().keep(await createClient(overWebSocket()))
    await until(() => client.stats().errors.websocket, 'no Shield yet')
    const { errors, ...rest } = client.stats()
    const json = jsonOf(client.stats())
    const { name, code, message } = errors.websocket
    assert.deepEqual(json.errors.websocket, { name, code, message })
    assert.equal(code, 'ERR_WEBSOCKET_UNREACHABLE')
    assert.deepEqual(json, { ...rest, errors: json.errors })

    const shield = await shieldOf(createHybridTransport, overWebSocket())
    const stats = shield.stats()
    const { shm } = stats.errors
    assert.deepEqual(jsonOf(stats).errors.shm, {
      name: 'IpcError',
      code: shm.code,
      message: shm.message
    })
    assert.deepEqual(jsonOf(stats), {
      ...stats,
      errors: jsonOf(stats).errors
    })
  })
})
