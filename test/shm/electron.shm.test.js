'use strict'
// What Electron has otherwise than Node, as far as it can be had without it: an
// executable of another name, memory that only V8 may allocate, and flags of
// processes that are shut in.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT } = require('../helpers/pages.js')

const LIBRARY = path.join(ROOT, 'lib', 'index.js')
const ADDON = path.join(ROOT, 'build', 'Release', 'kindly_guard_ipc.node')

/** Runs in a process of its own: one threat by shared memory. */
async function useRing(ipc, dir) {
  const writer = new ipc.SharedMemoryIpc({ dir })
  const client = new ipc.ShmClient({ dir })
  const got = new Promise((resolve) => {
    client.on('threat', resolve)
  })
  setImmediate(() =>
    writer.writeThreat({
      threatType: 'PathTraversal',
      severity: 'High',
      source: 'mcp',
      details: 'by its own thread',
      blocked: true
    })
  )
  const kept = setInterval(() => {}, 1000)
  const { details } = await got
  clearInterval(kept)
  client.close()
  await writer.close()
  console.log(details)
}

describe('as in Electron', () => {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  function assertRuns(node, flags = []) {
    const library = JSON.stringify(LIBRARY)
    const script = `(${useRing})(require(${library}), ${JSON.stringify(dir)})`
    const { status, stdout, stderr } = spawnSync(
      node,
      [...flags, '-e', script],
      { encoding: 'utf8' }
    )
    // Where --jitless takes WebAssembly away, V8 says so.
    const said = stderr.replace(/^Warning: disabling flag .*\r?\n/, '')
    assert.deepEqual(
      { status, stdout, stderr: said },
      { status: 0, stdout: 'by its own thread\n', stderr: '' }
    )
  }

  it('an executable that is not called node', () => {
    // Windows runs no file without an extension, and Linux asks for none.
    const code = path.join(dir, 'code.exe')
    fs.copyFileSync(process.execPath, code)
    assertRuns(code)
  })

  it('no memory of the addon becomes that of JavaScript', () => {
    // The sandbox of V8 forbids buffers and texts outside of it; what stands
    // for something outside would be counted by napi_adjust_external_memory.
    const args = ['-D', '--undefined-only', ADDON]
    const wanted = execFileSync('nm', args, { encoding: 'utf8' })
    assert.match(wanted, /napi_create_string_utf8/)
    assert.doesNotMatch(wanted, /external/)
  })

  const FLAGS = {
    'without a compiler of machine code': ['--jitless'],
    'no code from text, no __proto__': [
      '--disallow-code-generation-from-strings',
      '--disable-proto=throw'
    ],
    'with builtins that are frozen': ['--frozen-intrinsics', '--no-warnings']
  }
  for (const [name, flags] of Object.entries(FLAGS)) {
    it(name, () => assertRuns(process.execPath, flags))
  }
})
