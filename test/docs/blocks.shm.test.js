'use strict'
// What the README and docs/ show works as it stands there: each block is run as
// a reader would run it, in a project of its own. A comment before a block says
// what it needs; see readHints() in test/helpers/markdown.js.

const assert = require('node:assert')
const path = require('node:path')
const ts = require('typescript')
const { IpcFactory } = require('kindly-guard-ipc')
const { version } = require('../../package.json')
const { shownBlocks } = require('../helpers/pages.js')
const { Sandbox } = require('../helpers/sandbox.js')

// Some compile the C core, where a CPU is shared by many.
// Longer than the sandbox's own limit, which says what was printed.
const TIMEOUT_MS = 300_000
const PAUSE_MS = 20
const DEFAULT_PORT = /\b9955\b/g

const THREAT = {
  threatType: 'PathTraversal',
  severity: 'High',
  source: 'mcp',
  details: '../../etc/passwd',
  blocked: true
}

/** A Shield as a block with `with a Shield` expects one. */
async function startShield(dir) {
  const shield = IpcFactory.createHybridTransport({
    dir,
    websocket: { port: 0 }
  })
  await shield.ready()
  const publish = () => shield.writeThreat(THREAT)
  for (let i = 0; i < 3; i++) publish()
  const timer = setInterval(publish, PAUSE_MS)
  return {
    port: shield.stats().websocket.port,
    close: () => {
      clearInterval(timer)
      return shield.close()
    }
  }
}

/** How each language is run: `[command, args, options]` of Sandbox.run. */
const RUN = {
  js(sandbox, { text }) {
    const isModule = /^import /m.test(text)
    const file = sandbox.write(`block.${isModule ? 'mjs' : 'cjs'}`, text)
    return [process.execPath, [file]]
  },

  ts(sandbox, { text }) {
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        verbatimModuleSyntax: true
      }
    })
    return [process.execPath, [sandbox.write('block.mjs', outputText)]]
  },

  sh(sandbox, { text, hints }) {
    const env = {
      PATH: `${sandbox.bin}${path.delimiter}${process.env.PATH}`,
      // What compiles the core here is run once.
      CFLAGS: '-O0',
      KINDLY_GUARD_IPC_DIR: sandbox.ring,
      KINDLY_GUARD_IPC_WEBSOCKET_PORT: '0',
      npm_config_update_notifier: 'false'
    }
    return ['sh', ['-e', '-c', text], { clone: hints.clone, env }]
  },

  c(sandbox, { text }) {
    const file = sandbox.write('block.c', text)
    const flags = ['-std=c11', '-Wall', '-Wextra', '-Wpedantic', '-Werror']
    return ['cc', [...flags, '-fsyntax-only', '-I', sandbox.include, file]]
  },

  cpp(sandbox, { text }) {
    const file = sandbox.write('block.cpp', text)
    const flags = ['-std=c++11', '-Wall', '-Wextra', '-Wpedantic', '-Werror']
    return ['c++', [...flags, '-fsyntax-only', '-I', sandbox.include, file]]
  }
}

/** Runs a block; fails with all that it printed. */
async function runBlock(sandbox, block) {
  const { hints, language } = block
  const [command, args, options] = RUN[language](sandbox, block)
  const { until, prints } = hints
  const result = await sandbox.run(command, args, { ...options, until })
  const told = JSON.stringify(result, null, 2)
  const isInterrupted = result.isThere && result.signal === 'SIGINT'
  assert(result.code === 0 || isInterrupted, told)
  if (until !== undefined) assert(result.isThere, told)
  if (prints !== undefined) {
    assert.strictEqual(result.stdout.split(/\s+/).join(' ').trim(), prints)
  }
  // Commands tell what they did on stderr. A program has nothing to say there.
  if (language !== 'sh') assert.strictEqual(result.stderr, '')
}

describe('documentation, run', function () {
  this.timeout(TIMEOUT_MS)

  let sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
  })

  afterEach(() => sandbox.remove())

  // The blocks have an npx that is quicker.
  it("npm's npx finds the command in a project", async () => {
    const { code, stdout, stderr } = await sandbox.run(
      'npx',
      ['kindly-guard-ipc', '--version'],
      { env: { npm_config_update_notifier: 'false' } }
    )
    const told = {
      code: 0,
      stdout: `${version}\n`,
      stderr: ''
    }
    assert.deepStrictEqual({ code, stdout, stderr }, told)
  })

  const blocks = shownBlocks()
  for (const [at, block] of blocks.entries()) {
    const { hints, language, line, notRun, page, text } = block
    if (notRun !== null || !Object.hasOwn(RUN, language)) continue

    it(`${page}:${line} (${language})`, async () => {
      // What a reader has made of the page by then.
      for (const other of blocks.slice(0, at)) {
        if (other.page === page && other.hints.file !== undefined) {
          sandbox.write(other.hints.file, other.text)
        }
      }
      if (!hints.shield) {
        await runBlock(sandbox, block)
        return
      }
      const shield = await startShield(sandbox.ring)
      try {
        await runBlock(sandbox, {
          ...block,
          text: text.replace(DEFAULT_PORT, String(shield.port))
        })
      } finally {
        await shield.close()
      }
    })
  }
})
