'use strict'
// Options and configuration files that are almost right, or nothing of the
// kind: filled in, or refused by an error that has a code.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const fc = require('fast-check')
const { stringify } = require('smol-toml')
const { loadConfig } = require('../../lib/index.js')
const { checkIpc } = require('../../lib/options/ipc.js')
const { anyText } = require('../helpers/any-text.js')
const { ALL, DEFAULT, PREFIX, useFolder } = require('../helpers/config.js')
const {
  anything,
  nearly,
  nearlyText,
  useRuns
} = require('../helpers/near-valid.js')
const { assertTyped } = require('../helpers/refusals.js')

const OPTIONS = {
  dir: '/some/place',
  name: 'one',
  maxEvents: 1000,
  bufferSize: '1MB',
  enableChecksums: true,
  prioritySeverity: 'High',
  priorityEvents: 256,
  overflow: 'reject',
  readerTimeoutMs: 100,
  maxEventBytes: '1MB',
  strictContext: true,
  hugePages: 'require',
  numaNode: 'interleave',
  from: 'oldest',
  reliable: true,
  latency: 'low',
  freeze: true,
  preferShm: true,
  websocket: {
    enabled: true,
    host: '127.0.0.1',
    port: 9955,
    socket: true,
    auth: 'token',
    url: 'ws://127.0.0.1:9955',
    tokenFile: '/some/token',
    maxClients: 5,
    maxBufferedBytes: '1MB',
    heartbeatMs: 100,
    stallTimeoutMs: 100,
    handshakeTimeoutMs: 100
  }
}

/** What `check` returns, or null when it refuses by an error of ours. */
function taken(check) {
  try {
    return check()
  } catch (error) {
    assertTyped(error)
    assert(error.message.length < 2000, 'it can be read')
    return null
  }
}

describe('options, property', () => {
  useRuns(500)

  const current = useFolder()
  let file

  beforeEach(() => {
    file = path.join(current(), 'shield.toml')
  })

  it('F52 near valid options: filled in, or a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(nearly(OPTIONS), anything), (options) => {
        const checked = taken(() => checkIpc(options))
        if (checked === null) return
        const { reader, preferShm, websocket } = checked
        assert.equal(typeof preferShm, 'boolean')
        assert(reader.spinMicros >= 0)
        assert(websocket.heartbeatMs >= 10)
        assert(websocket.port === false || websocket.port >= 0)
      })
    )
  })

  it('F52 options whose getters and proxies throw: a typed error', () => {
    const throwing = fc
      .tuple(fc.constantFrom(...Object.keys(OPTIONS)), anything)
      .map(([key, value]) => ({
        ...OPTIONS,
        get [key]() {
          throw value
        }
      }))
    fc.assert(
      fc.property(throwing, (options) => {
        assert.equal(
          taken(() => checkIpc(options)),
          null
        )
      })
    )
  })

  /** A file that was loaded fits where options go, or the error says more. */
  function checkFile(content) {
    fs.writeFileSync(file, content)
    const options = taken(() => loadConfig(file, {}))
    if (options !== null) taken(() => checkIpc(options))
  }

  const known = fc.constantFrom(...ALL).chain(([section, name, { any }]) =>
    any.map((value) => {
      try {
        return stringify({ ipc: { [section]: { [name]: value } } })
      } catch {
        // smol-toml has no text for a lone surrogate and the like.
        return DEFAULT
      }
    })
  )

  it('F52 near valid TOML: loaded, or a typed error', () => {
    const texts = fc.oneof(fc.constant(DEFAULT), known)
    fc.assert(fc.property(nearlyText(texts), checkFile))
  })

  it('F52 arbitrary text and bytes as TOML: loaded, or a typed error', () => {
    const contents = fc.oneof(
      anyText({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => `ipc = ${json}`)
    )
    fc.assert(fc.property(contents, checkFile))
  })

  it('F52 the environment: any values of known names', () => {
    const variables = ALL.map(
      ([section, name]) =>
        PREFIX + (section === 'shm' ? '' : 'WEBSOCKET_') + name.toUpperCase()
    )
    const env = fc.dictionary(
      fc.oneof(
        fc.constantFrom(...variables),
        fc.string().map((text) => PREFIX + text)
      ),
      fc.oneof(
        anyText(),
        fc.constantFrom('1', 'true', '1MB', 'oldest', '/x', '', '99999999999')
      ),
      { maxKeys: 3 }
    )
    fc.assert(
      fc.property(env, (one) => {
        const options = taken(() => loadConfig(undefined, one))
        if (options !== null) taken(() => checkIpc(options))
      })
    )
  })
})
