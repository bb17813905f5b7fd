'use strict'
// bindings/python over the C library: its own tests, and Node at the other end.

const assert = require('node:assert/strict')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { installedPrefix, libraryOf } = require('./installed.js')
const { testPeer } = require('./peers.js')
const { BINDING, runPython } = require('./python.js')

const PEER = path.join(__dirname, 'python', 'native_peer.py')
const LONG_MS = 240_000

const environment = () => ({
  ...process.env,
  PYTHONPATH: BINDING,
  PYTHONDONTWRITEBYTECODE: '1',
  KINDLY_GUARD_LIBRARY: libraryOf(installedPrefix())
})

describe('both ends in Python over the C library', function native() {
  this.timeout(LONG_MS)

  it('pass tests of their own', async () => {
    const discover = ['-m', 'unittest', 'discover', '-s', 'tests/native']
    const { code, stderr } = await runPython(['-W', 'error', ...discover], {
      cwd: BINDING,
      env: environment()
    })
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^Ran [1-9]\d* tests/m)
    assert.doesNotMatch(stderr, /skipped/)
  })

  describe('of a threat that is deflated', () => {
    const ring = useRing()
    const LARGE = { maxEvents: 4096 }
    const LONG = 'x忽'.repeat(50_000)

    /** The only line of the peer. */
    async function lineOf(what) {
      const args = ['-W', 'error', PEER, what, ring().dir]
      const { code, stdout, stderr } = await runPython(args, {
        env: environment()
      })
      assert.deepEqual([code, stderr], [0, ''])
      return JSON.parse(stdout)
    }

    it('read what Node wrote', async () => {
      const writer = ring().writer(LARGE)
      writer.writeThreat(threat(LONG))
      assert(writer.stats().bytes < LONG.length)
      const { details, cut } = await lineOf('print')
      assert(details === LONG)
      assert.equal(cut, false)
    })

    it('write what Node reads', async () => {
      const { bytes } = await lineOf('long')
      assert(bytes < LONG.length)
      const [{ details, cut }] = ring().client({ from: 'oldest' }).poll()
      assert(details === LONG)
      assert.equal(cut, undefined)
    })
  })
})

testPeer('Python over the C library', () => ({
  command: 'python3',
  args: ['-W', 'error', PEER],
  env: environment()
}))
