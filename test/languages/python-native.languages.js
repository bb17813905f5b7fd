'use strict'
// bindings/python over the C library: its own tests, and Node at the other end.

const assert = require('node:assert/strict')
const path = require('node:path')
const { installedPrefix, libraryOf } = require('./installed.js')
const { testPeer } = require('./peers.js')
const { BINDING, runPython } = require('./python.js')

const PEER = path.join(__dirname, 'python', 'native_peer.py')
const LONG_MS = 240_000

const environment = () => ({
  ...process.env,
  PYTHONPATH: BINDING,
  PYTHONDONTWRITEBYTECODE: '1',
  KINDLY_GUARD_IPC_LIBRARY: libraryOf(installedPrefix())
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
})

testPeer('Python over the C library', () => ({
  command: 'python3',
  args: ['-W', 'error', PEER],
  env: environment()
}))
