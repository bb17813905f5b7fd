'use strict'
// On Windows: where rings are, with all that a path can be there.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { PlatformShm } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { sequences } = require('../helpers/sequences.js')
const { collect } = require('../helpers/wait.js')

// Drive X: and what is in it: see wine.js.
const OTHER_DRIVE = 'X:\\'
const OPEN = 'X:\\open'

describe('on Windows, directories', () => {
  const current = useRing()
  const { LOCALAPPDATA } = process.env
  const inside = (local) => path.join(local, 'KindlyGuard', 'shm')
  // A name of its own, so that nothing else in the default one counts.
  const name = `test-${process.pid}`
  let ring

  beforeEach(() => {
    ring = current()
  })

  afterEach(() => {
    process.env.LOCALAPPDATA = LOCALAPPDATA
  })

  /** A reader in another process gets what a writer here publishes. */
  async function mustReach(writerOptions, readerOptions, env = process.env) {
    const writer = ring.writer(writerOptions)
    writer.writeThreat(threat())
    const child = ring.child({ env })
    const found = await child.call(async ({ ipc }, options) => {
      const client = new ipc.ShmClient({ ...options, from: 'oldest' })
      const { path: file } = client.stats()
      const got = []
      await client.pollThreats(({ sequence }) => got.push(sequence) < 1)
      await client.close()
      return { file, got }
    }, readerOptions)
    assert.deepEqual(found.got, [1])
    const { path: file } = writer.stats()
    await writer.close()
    return { written: file, read: found.file }
  }

  it('the default one is in LOCALAPPDATA, and this user’s alone', async () => {
    assert.equal(PlatformShm.directory(), inside(LOCALAPPDATA))
    const options = { dir: undefined, name }
    const { written, read } = await mustReach(options, options)
    assert.equal(written, path.join(inside(LOCALAPPDATA), `${name}.shm`))
    assert.equal(read, written)
  })

  it('without LOCALAPPDATA it is the same, by the profile', async () => {
    delete process.env.LOCALAPPDATA
    assert.equal(PlatformShm.isAvailable(), true)
    assert.equal(
      PlatformShm.directory().toLowerCase(),
      inside(path.join(os.homedir(), 'AppData', 'Local')).toLowerCase()
    )
    const options = { dir: undefined, name }
    const { written, read } = await mustReach(options, options, {
      ...process.env,
      LOCALAPPDATA
    })
    assert.equal(written.toLowerCase(), read.toLowerCase())
  })

  for (const [what, local] of Object.entries({
    'that is not there': 'C:\\no\\such\\folder',
    'that is relative': 'folder',
    'that is a file': process.execPath
  })) {
    it(`a LOCALAPPDATA ${what} gives way to the profile`, () => {
      process.env.LOCALAPPDATA = local
      assert.equal(
        PlatformShm.directory().toLowerCase(),
        inside(LOCALAPPDATA).toLowerCase()
      )
    })
  }

  it('F33 two with another LOCALAPPDATA each: one writer', async () => {
    const writer = ring.writer({ dir: undefined, name })
    const child = ring.child({
      env: { ...process.env, LOCALAPPDATA: ring.dir }
    })
    const code = await child.call(
      ({ ipc }, options) => {
        try {
          const second = new ipc.SharedMemoryIpc(options)
          return second.stats().path
        } catch (error) {
          return error.code
        }
      },
      { name }
    )
    assert.equal(code, 'ERR_RING_LOCKED')
    await writer.close()
  })

  for (const [what, dir] of Object.entries({
    spaces: 'a b  c',
    'more than ASCII': 'é 漢字 😀',
    'dots and signs': ".a.b;c'd&e%20!",
    'more than 260 characters': `${'d'.repeat(150)}\\${'e'.repeat(150)}`
  })) {
    it(`a path with ${what}`, async () => {
      const full = path.join(ring.dir, dir)
      fs.mkdirSync(path.dirname(full), { recursive: true })
      const { written, read } = await mustReach({ dir: full }, { dir: full })
      assert.equal(written, path.join(full, 'kindly-guard.shm'))
      assert.equal(read, written)
    })
  }

  it('another drive', async () => {
    const dir = fs.mkdtempSync(path.join(OTHER_DRIVE, 'ring-'))
    try {
      const { written } = await mustReach({ dir }, { dir })
      assert.equal(written, path.join(dir, 'kindly-guard.shm'))
    } finally {
      fs.rmSync(dir, { recursive: true })
    }
  })

  for (const [what, spell] of Object.entries({
    slashes: (dir) => dir.replaceAll('\\', '/'),
    'a backslash at its end': (dir) => `${dir}\\`,
    'dots in it': (dir) => `${dir}\\.\\x\\..`,
    'other letters': (dir) => dir.toUpperCase(),
    'the prefix for long paths': (dir) => `\\\\?\\${dir}`,
    'the way from here': (dir) => path.relative('.', dir)
  })) {
    it(`the same directory, written with ${what}`, async () => {
      const dir = spell(ring.dir)
      const { written } = await mustReach({ dir }, { dir: ring.dir })
      assert.equal(written.toLowerCase(), ring.file.toLowerCase())
      assert.throws(
        () => {
          ring.writer()
          ring.writer({ dir })
        },
        { code: 'ERR_RING_LOCKED' }
      )
    })
  }

  for (const [what, dir, code] of [
    ['a device', '\\\\.\\pipe\\a', 'ERR_INVALID_OPTION'],
    ['one that is too long', `C:\\${'x'.repeat(600)}`, 'ERR_INVALID_OPTION'],
    ['no name of a folder', 'C:\\a?b', 'ERR_INVALID_OPTION'],
    ['one below nothing', 'C:\\no\\such\\folder', 'ERR_INVALID_OPTION'],
    ['a drive that is not there', 'Q:\\a', 'ERR_INVALID_OPTION'],
    ['one that is open to others', OPEN, 'ERR_UNSAFE_PATH'],
    ['a file', process.execPath, 'ERR_UNSAFE_PATH']
  ]) {
    it(`${what}: ${code} for a writer, and nothing is left`, () => {
      assert.throws(() => ring.writer({ dir }), { name: /Error$/, code })
      assert.deepEqual(fs.readdirSync(OPEN), [])
    })
  }

  it('for a reader, what is not there is no ring', () => {
    for (const dir of ['C:\\no\\such\\folder', 'Q:\\a', ring.dir]) {
      assert.throws(() => ring.client({ dir }), { code: 'ERR_NO_RING' })
    }
  })

  it('a reader stays where it began when the process moves', async () => {
    const before = process.cwd()
    const writer = ring.writer()
    process.chdir(ring.dir)
    try {
      const client = ring.client({ dir: '.' })
      process.chdir(before)
      writer.writeThreat(threat())
      assert.deepEqual(sequences(await collect(client, 1)), [1])
      assert.equal(client.stats().path, ring.file)
    } finally {
      process.chdir(before)
    }
  })
})
