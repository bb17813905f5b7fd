'use strict'
// The discovery file and two processes: one that another one replaces, and one
// that would make a reader wait for ever.

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { readDiscovery } = require('../../lib/websocket/discovery-file.js')
const {
  writeDiscovery
} = require('../../lib/websocket/server/discovery-file.js')
const { LIVE, NAME } = require('../helpers/discovery-record.js')
const { IS_WINDOWS } = require('../helpers/system.js')
const { within } = require('../helpers/wait.js')

// How many changes this process has to see.
const LEAST = IS_WINDOWS ? 10 : 100

// As text of a program: a path of Windows has backslashes.
const pathOf = (file) => JSON.stringify(require.resolve(file))
const READS = pathOf('../../lib/websocket/discovery-file.js')
const WRITES = pathOf('../../lib/websocket/server/discovery-file.js')

describe('WebSocket discovery, of two processes', () => {
  let base
  let dir
  let file

  beforeEach(() => {
    base = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    dir = path.join(base, 'dir')
    file = path.join(dir, `${NAME}.json`)
  })
  afterEach(() => fs.rmSync(base, { recursive: true, force: true }))

  it('F27 a FIFO: refused, without waiting for its other end', async () => {
    fs.mkdirSync(dir, { mode: 0o700 })
    execFileSync('mkfifo', ['-m', '600', file])
    // Elsewhere, because a hang would hang the test.
    const script =
      `const { readDiscovery, readTokenFile } = require(${READS});` +
      `const codes = [() => readDiscovery(${JSON.stringify(dir)}, '${NAME}'), ` +
      `() => readTokenFile(${JSON.stringify(file)})].map((read) => {` +
      'try { return read() } catch ({ code }) { return code } });' +
      'process.send(codes)'
    const child = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc']
    })
    try {
      const [codes] = await within(once(child, 'message'), 'an answer')
      assert.deepEqual(codes, ['ERR_UNSAFE_PATH', 'ERR_UNSAFE_PATH'])
    } finally {
      child.kill('SIGKILL')
    }
    writeDiscovery(dir, NAME, LIVE)
    assert.deepEqual(readDiscovery(dir, NAME), LIVE)
  })

  it('is whole at any time while it is replaced', async () => {
    // There each waits until this process has the file open no more.
    const ROUNDS = IS_WINDOWS ? 100 : 3000
    const enough = path.join(base, 'enough')
    writeDiscovery(dir, NAME, { ...LIVE, pid: 1 })
    const script =
      `const { writeDiscovery } = require(${WRITES});` +
      `const live = ${JSON.stringify(LIVE)};` +
      // Records of very different lengths, so that a mixture would show.
      // It goes on until this process had its part in it, however fast it is.
      "const { existsSync } = require('node:fs');" +
      `for (let pid = 2; pid <= ${ROUNDS} || !existsSync(${JSON.stringify(enough)}); pid++) ` +
      "{ const dir = '/' + 'x'.repeat((pid % 7) * 500);" +
      'for (;;) try { ' +
      `writeDiscovery(${JSON.stringify(dir)}, '${NAME}', ` +
      '{ ...live, pid, dir }); break } catch (error) { ' +
      `if (!${IS_WINDOWS} || error.code !== 'ERR_ACCESS') throw error } }`
    const child = spawn(process.execPath, ['-e', script], { stdio: 'inherit' })
    const exited = once(child, 'exit')
    let last = 1
    let changes = 0
    try {
      while (last < ROUNDS || changes <= LEAST) {
        assert.equal(child.exitCode || child.signalCode, null)
        for (let i = 0; i < 50; i++) {
          const { pid, dir: written } = readDiscovery(dir, NAME)
          assert(pid >= last, `${pid} after ${last}`)
          if (pid > 1) assert.equal(written.length, 1 + (pid % 7) * 500)
          if (pid > last) changes++
          last = pid
        }
        await new Promise(setImmediate)
      }
    } finally {
      fs.writeFileSync(enough, '')
      await within(exited, 'its end')
    }
    assert.deepEqual(await exited, [0, null])
    assert.deepEqual(fs.readdirSync(dir), [`${NAME}.json`])
  })
})
