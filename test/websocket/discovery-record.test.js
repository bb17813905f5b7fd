'use strict'
// What may stand in the discovery file, at the bounds of each field.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { readDiscovery } = require('../../lib/websocket/discovery-file.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { CLOSED, LIVE, NAME } = require('../helpers/discovery-record.js')

describe('the record of a Shield', () => {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  const put = (content) =>
    fs.writeFileSync(path.join(dir, `${NAME}.json`), content, { mode: 0o600 })

  it('may have each value up to its bound, and none beside', () => {
    const socket = '/run/kindly-guard.sock'
    const fine = [
      ...[1, 2, 65_534, 65_535].map((port) => ({ port })),
      ...[1, 2 ** 53 - 1].map((pid) => ({ pid })),
      ...[0, 2 ** 53 - 1].map((sequence) => ({ ...CLOSED, sequence })),
      ...[null, 0, 2 ** 32 - 1].map((priority) => ({ ...CLOSED, priority })),
      { bridge: true }
    ]
    for (const more of fine) {
      const record = { ...LIVE, ...more }
      writeDiscovery(dir, NAME, record)
      assert.deepEqual(readDiscovery(dir, NAME), record)
    }
    const { startedAt, generation } = LIVE
    for (const more of [
      // Beside a socket a port may be missing, and is right all the same.
      ...[0, 65_536, '9955', false].map((port) => ({ socket, port })),
      ...[false, 1, null].map((bridge) => ({ bridge })),
      ...[-1, 2 ** 32, 0.5, '1', true].map((priority) => ({
        ...{ ...CLOSED, priority }
      })),
      ...[`${startedAt}\n`, ` ${startedAt}`, [startedAt]].map((one) => ({
        startedAt: one
      })),
      ...[`${generation}0`, `0${generation}`, [generation]].map((one) => ({
        generation: one
      }))
    ]) {
      put(JSON.stringify({ ...LIVE, ...more }))
      assert.throws(
        () => readDiscovery(dir, NAME),
        { code: 'ERR_DISCOVERY_INVALID' },
        JSON.stringify(more)
      )
    }
    // An older Shield says nothing of priority.
    const older = { ...CLOSED }
    delete older.priority
    put(JSON.stringify(older))
    assert.equal(readDiscovery(dir, NAME).priority, null)
  })

  it('that is none: what is wrong with it', () => {
    for (const [content, what] of [
      ['{', 'is not JSON'],
      ['[]', 'is not a JSON object'],
      ['5', 'is not a JSON object'],
      ['null', 'is not a JSON object'],
      ['{}', 'has no valid field version']
    ]) {
      put(content)
      const message = new RegExp(`${NAME}\\.json ${what}`)
      assert.throws(() => readDiscovery(dir, NAME), { message })
    }
  })
})
