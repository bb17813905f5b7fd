'use strict'
// F84 Deno, which has all of libuv that the addon calls: shared memory, between
// Deno and Node and within Deno; by CommonJS, as an ES module, linked; and with
// parts of its permissions missing.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')
const { describeExchange } = require('./exchange.js')
const { commandOf } = require('./processes.js')

const [DENO] = commandOf('deno')
const OVER_WEBSOCKET = { preferShm: false }

/** A threat from a Shield to a client in one process, and what it took. */
const USE = `
const dir = process.argv[2]
const shield = IpcFactory.createHybridTransport({ dir, websocket: { port: 0 } })
shield.on('error', () => {})
await shield.ready()
const client = await IpcFactory.createClient({ dir, from: 'oldest' })
shield.writeThreat({
  threatType: 'PathTraversal',
  severity: 'High',
  source: 'mcp',
  details: 'in Deno',
  blocked: true
})
await client.pollThreats(({ details }) => {
  const { transport } = client.stats()
  const { shm, websocket } = shield.stats().errors
  const text = (error) => error && error.code + ' ' + error.message
  const errors = [text(shm), text(websocket)]
  console.log(JSON.stringify({ details, transport, errors }))
  return false
})
await client.close()
await shield.close()
`

describe('Deno', () => {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
    // As npm link leaves it.
    const modules = path.join(dir, 'node_modules')
    fs.mkdirSync(modules)
    fs.symlinkSync(ROOT, path.join(modules, 'kindly-guard-ipc'))
    fs.writeFileSync(path.join(dir, 'package.json'), '{ "private": true }')
    fs.mkdirSync(path.join(dir, 'ring'), { mode: 0o700 })
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  /** What a program prints, that is run with these permissions. */
  function run(name, source, allowed) {
    const file = path.join(dir, name)
    fs.writeFileSync(file, source)
    const { status, stdout, stderr } = spawnSync(
      DENO,
      [
        'run',
        '--no-prompt',
        '--no-lock',
        ...allowed,
        file,
        path.join(dir, 'ring')
      ],
      { cwd: dir, encoding: 'utf8' }
    )
    assert.equal(status, 0, stderr)
    return JSON.parse(stdout)
  }

  const PROGRAMS = {
    'a CommonJS file': [
      'main.cjs',
      `const { IpcFactory } = require('kindly-guard-ipc')
      ;(async () => {${USE}})()`
    ],
    'an ES module': [
      'main.mjs',
      `import process from 'node:process'
      import { IpcFactory } from 'kindly-guard-ipc'
      ${USE}`
    ],
    TypeScript: [
      'main.ts',
      `import process from 'node:process'
      import { IpcFactory } from 'kindly-guard-ipc'
      ${USE}`
    ]
  }
  for (const [name, [file, source]] of Object.entries(PROGRAMS)) {
    it(`F84 ${name} that links the package: shared memory`, () => {
      assert.deepEqual(run(file, source, ['-A']), {
        details: 'in Deno',
        transport: 'shm',
        errors: [null, null]
      })
    })
  }

  const ALL = ['env', 'ffi', 'net', 'read', 'sys', 'write']
  const without = (part) =>
    ALL.filter((name) => name !== part).map((name) => `--allow-${name}`)
  const [, [FILE, SOURCE]] = Object.entries(PROGRAMS)[0]

  it('F84 with what it needs: both transports', () => {
    const { transport, errors } = run(FILE, SOURCE, without('nothing'))
    assert.deepEqual([transport, ...errors], ['shm', null, null])
  })

  it('F84 without --allow-ffi: a reason, and WebSocket', () => {
    const { transport, errors } = run(FILE, SOURCE, without('ffi'))
    assert.equal(transport, 'websocket')
    assert.match(errors[0], /^ERR_SHM_UNAVAILABLE .*; --allow-ffi would allow/)
  })

  for (const part of ['net', 'write']) {
    it(`F84 without --allow-${part}: an error, and shared memory`, () => {
      const { transport, errors } = run(FILE, SOURCE, without(part))
      assert.equal(transport, 'shm')
      const names = new RegExp(`^ERR_ACCESS .*; --allow-${part} would allow`)
      assert.match(errors[1], names)
    })
  }

  const overWebSocket = { options: OVER_WEBSOCKET, by: 'websocket' }
  const hybrid = { serves: 'hybrid', by: 'shm' }
  describeExchange('F84', [
    { shield: 'deno', client: 'deno', ...hybrid },
    { shield: 'deno', client: 'node', ...hybrid },
    { shield: 'node', client: 'deno', ...hybrid },
    { shield: 'deno', client: 'node', ...hybrid, ...overWebSocket },
    { shield: 'node', client: 'deno', ...hybrid, ...overWebSocket }
  ])
})
