'use strict'
// On Windows: where the files are that no other user may reach, and files that
// somebody has open.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { IpcFactory } = require('../../lib/index.js')
const { makeDirectory } = require('../../lib/base/private-directory.js')
const { readDiscovery } = require('../../lib/websocket/discovery-file.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { places } = require('../../lib/websocket/locate.js')
const { CLOSED, LIVE, NAME } = require('../helpers/discovery-record.js')
const { connected, useFactory, write } = require('../helpers/factory.js')
const { collect } = require('../helpers/wait.js')

describe('on Windows, where files are', () => {
  const { current, overWebSocket, shieldOf } = useFactory()
  const { LOCALAPPDATA } = process.env
  let outside
  let home

  beforeEach(() => {
    home = process.env.LOCALAPPDATA
    outside = fs.mkdtempSync(path.join(path.parse(os.homedir()).root, 'kg-'))
  })

  afterEach(() => fs.rmSync(outside, { recursive: true, force: true }))

  /** A client finds the Shield of a place, and gets what it publishes. */
  async function mustReach(options) {
    const shield = await shieldOf(IpcFactory.createTransport, options)
    const client = await connected(current(), options)
    const got = collect(client, 1)
    write(shield, 1)
    await got
    const { discoveryFile } = shield.stats().websocket
    await client.close()
    await shield.close()
    return discoveryFile
  }

  const without = (dir) => ({ ...overWebSocket(), dir })

  it('LOCALAPPDATA, when nothing else is said', async () => {
    const file = await mustReach(without(undefined))
    assert.equal(file, path.join(home, 'KindlyGuard', 'kindly-guard.json'))
  })

  it('the profile, without LOCALAPPDATA', () => {
    const before = process.env.LOCALAPPDATA
    delete process.env.LOCALAPPDATA
    try {
      assert.deepEqual(
        places({}).map(({ dir }) => dir),
        [path.join(os.homedir(), 'AppData', 'Local', 'KindlyGuard')]
      )
    } finally {
      process.env.LOCALAPPDATA = before
    }
    assert.equal(
      path.join(os.homedir(), 'AppData', 'Local').toLowerCase(),
      LOCALAPPDATA.toLowerCase()
    )
  })

  it('F28 a dir outside of the profile gets no discovery file', async () => {
    const file = await mustReach(without(outside))
    assert.equal(path.dirname(file), path.join(home, 'KindlyGuard'))
    assert.match(path.basename(file), /^kindly-guard-[0-9a-f]{16}\.json$/)
    const left = fs.readdirSync(outside)
    assert.deepEqual(
      left.filter((name) => /json|sock|tmp/.test(name)),
      []
    )
    // In another spelling it is the same one.
    const [upper, lower] = [outside.toUpperCase(), outside.toLowerCase()]
    assert.deepEqual(places({ dir: upper }), places({ dir: lower }))
    for (const action of [
      () => writeDiscovery(outside, NAME, LIVE),
      () => readDiscovery(outside, NAME),
      () => makeDirectory(path.join(outside, 'more'))
    ]) {
      assert.throws(action, { code: 'ERR_UNSAFE_PATH', message: /profile/ })
    }
    assert.equal(fs.existsSync(path.join(outside, 'more')), false)
  })

  for (const [what, name] of Object.entries({
    spaces: 'a b c',
    'more than ASCII': 'é 漢字 😀',
    'dots and signs': "a.b;c'd&e%20!",
    'more than 260 characters': `${'d'.repeat(150)}\\${'e'.repeat(150)}`
  })) {
    it(`a directory with ${what} in its name`, async () => {
      const dir = path.join(current().dir, name)
      fs.mkdirSync(path.dirname(dir), { recursive: true })
      const file = await mustReach(without(dir))
      assert.equal(file, path.join(dir, 'kindly-guard.json'))
    })
  }

  /** Opens the file in another process, and tells when it is closed again. */
  async function openElsewhere(file, milliseconds) {
    const child = current().child()
    await child.call(
      ({ require }, { name, pause }) => {
        const { openSync, closeSync } = require('node:fs')
        const fd = openSync(name, 'r')
        if (pause !== null) setTimeout(() => closeSync(fd), pause)
      },
      { name: file, pause: milliseconds }
    )
    return child
  }

  it('a discovery file that a client reads just now is replaced', async () => {
    const { dir } = current()
    const file = writeDiscovery(dir, NAME, LIVE)
    await openElsewhere(file, 20)
    writeDiscovery(dir, NAME, CLOSED)
    assert.deepEqual(readDiscovery(dir, NAME), CLOSED)
  })

  it('one that somebody keeps open stays as it was, or is replaced', async () => {
    const { dir } = current()
    const file = writeDiscovery(dir, NAME, LIVE)
    const child = await openElsewhere(file, null)
    let expected = CLOSED
    try {
      // Newer ones replace it all the same.
      writeDiscovery(dir, NAME, CLOSED)
    } catch (error) {
      assert.equal(error.code, 'ERR_ACCESS', error.stack)
      assert(error.message.includes(file))
      expected = LIVE
    }
    assert.deepEqual(readDiscovery(dir, NAME), expected)
    assert.deepEqual(fs.readdirSync(dir), [`${NAME}.json`])
    await child.kill()
    writeDiscovery(dir, NAME, CLOSED)
    assert.deepEqual(readDiscovery(dir, NAME), CLOSED)
  })
})
