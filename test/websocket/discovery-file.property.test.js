'use strict'
// A discovery file in which almost the right thing stands, or nothing of the
// kind: a record of which every field is right, or one error that says nothing
// of the token.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const fc = require('fast-check')
const { IpcError } = require('../../lib/index.js')
const {
  readDiscovery,
  readTokenFile
} = require('../../lib/websocket/discovery-file.js')
const { isLoopback } = require('../../lib/base/loopback.js')
const {
  anything,
  nearly,
  nearlyText,
  useRuns
} = require('../helpers/near-valid.js')

const NAME = 'kindly-guard'
const TOKEN = '0123456789abcdef'.repeat(4)
const LIVE = {
  version: 1,
  state: 'live',
  port: 9955,
  host: '127.0.0.1',
  auth: 'token',
  token: TOKEN,
  generation: '00ff00ff00ff00ff',
  dir: '/dev/shm/kindly-guard-1000',
  pid: 4711,
  startedAt: '2025-01-02T03:04:05.678Z'
}
const CLOSED = { ...LIVE, state: 'closed', sequence: 41 }

describe('discovery file, property', () => {
  useRuns(500)

  let dir
  let file

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    file = path.join(dir, `${NAME}.json`)
  })
  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  /** What a reader gives, or null when it refuses. */
  function taken(read) {
    try {
      return read()
    } catch (error) {
      assert(error instanceof IpcError, error.stack)
      assert.equal(error.code, 'ERR_DISCOVERY_INVALID')
      assert(error.message.includes(file))
      assert(!error.message.includes(TOKEN))
      return null
    }
  }

  function check(content) {
    fs.writeFileSync(file, content, { mode: 0o600 })
    const record = taken(() => readDiscovery(dir, NAME))
    if (record !== null) {
      const { port, host, auth, token, generation } = record
      assert(port === null || (port >= 1 && port <= 65535))
      assert(host === undefined || isLoopback(host))
      assert.equal(auth === 'token', /^[0-9a-f]{64}$/.test(token))
      assert.match(generation, /^[0-9a-f]{16}$/)
      assert.equal(Object.getPrototypeOf(record), Object.prototype)
    }
    const place = taken(() => readTokenFile(file))
    if (place !== null) {
      assert(place.token === null || /^[0-9a-f]{64}$/.test(place.token))
    }
  }

  const record = fc.constantFrom(LIVE, CLOSED).chain((one) => nearly(one))

  it('F58 near a record: every field is right, or it is refused', () => {
    fc.assert(
      fc.property(fc.oneof(record, anything), (value) =>
        check(JSON.stringify(value) ?? '')
      )
    )
  })

  it('F58 near its text, near a token, any bytes', () => {
    const texts = fc.oneof(
      record.map((value) => JSON.stringify(value) ?? ''),
      fc.constantFrom(TOKEN, `${TOKEN}\n`, `${TOKEN}\r\n`)
    )
    fc.assert(
      fc.property(
        fc.oneof(nearlyText(texts), fc.uint8Array({ maxLength: 100 })),
        check
      )
    )
  })
})
