'use strict'
// The crate in bindings/rust as programs use it: tests of its own, its examples,
// what its README shows, and a library that is installed.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { version } = require('../../package.json')
const { readBlocks } = require('../helpers/markdown.js')
const { useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const { ROOT } = require('../tools/test-files.js')
const { expected, parseLines, place } = require('../vectors/expected.js')
const rust = require('./rust.js')

const { BINDING, cargo, endRust, PEER, run, startRust, targetDir } = rust

const COMPILING_MS = 600_000
const README = path.join(BINDING, 'README.md')

describe('the crate for Rust', function rustCrate() {
  this.timeout(COMPILING_MS)
  const ring = useRing()
  let work

  before(() => {
    work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-rust-'))
  })

  after(() => fs.rmSync(work, { recursive: true, force: true }))

  afterEach(endRust)

  const inWork = (...names) => path.join(work, ...names)

  async function runTests(args, env) {
    const { code, stdout, stderr } = await cargo(BINDING, ['test', ...args], {
      env
    })
    assert.equal(code, 0, stdout + stderr)
    assert.doesNotMatch(stderr, /warning/)
    const results = [...stdout.matchAll(/^test result: ok\. (\d+) passed/gm)]
    assert.doesNotMatch(stdout, /[1-9]\d* (failed|ignored|filtered)/)
    return results.filter(([, count]) => count > 0).length
  }

  it('passes tests of its own', async () => {
    // Of the library, of four files of tests, of the documentation.
    assert.equal(await runTests([]), 6)
  })

  it('passes them with zlib, and a library that looks at threads', async () => {
    const args = ['--features', 'zlib', '--tests']
    const CARGO_TARGET_DIR = inWork('debug')
    const env = { CFLAGS: '-DKG_DEBUG', CARGO_TARGET_DIR }
    assert.equal(await runTests(args, env), 5)
  })

  it('needs no other crate, and has the version of the package', () => {
    const lock = fs.readFileSync(path.join(BINDING, 'Cargo.lock'), 'utf8')
    const crates = [...lock.matchAll(/^name = "(.*)"\nversion = "(.*)"/gm)]
    assert.deepEqual(
      crates.map(([, ...crate]) => crate),
      [['kindly-guard-ipc', version]]
    )
  })

  it('has examples, a Shield and a client', async () => {
    const built = await cargo(BINDING, ['build', '--examples'])
    assert.equal(built.code, 0, built.stderr)
    const example = (name) => path.join(targetDir(), 'debug', 'examples', name)
    const shield = await run(example('shield'), [ring().dir])
    assert.equal(shield.code, 0, shield.stderr)
    assert.match(shield.stdout, /^(published [123] to \/.*\n){3}$/)
    const threats = ring().client({ from: 'oldest' }).poll()
    assert.deepEqual(
      threats.map(({ source }) => source),
      ['mcp', 'src/app.js:12', 'chat']
    )
    const client = await run(example('client'), [ring().dir])
    assert.equal(client.code, 0, client.stderr)
    assert.match(
      client.stdout,
      /^1 PathTraversal High blocked=true.*\n2 .*\n3 /
    )
    assert.match(client.stdout, /id="rust-shield-3"/)
  })

  it('shows in its README what works as it stands there', async () => {
    const blocks = readBlocks('README', fs.readFileSync(README, 'utf8'))
    const [shield, client, ...others] = blocks
      .filter(({ language }) => language.startsWith('rust'))
      .map(({ text }) => text)
    assert.deepEqual(others, [])
    // Another directory than the default one, which may have a Shield.
    const options = `Options::new().dir(${JSON.stringify(ring().dir)}))?`
    const texts = {
      shield: shield.replace(
        'SharedMemoryIpc::new()?',
        `SharedMemoryIpc::open(&kindly_guard_ipc::Writer${options}`
      ),
      client: client.replace(
        'ShmClient::new()?',
        `ShmClient::open(&kindly_guard_ipc::Reader${options}`
      )
    }
    const crate = inWork('readme')
    fs.mkdirSync(path.join(crate, 'src', 'bin'), { recursive: true })
    for (const [name, text] of Object.entries(texts)) {
      assert(text.includes(ring().dir))
      fs.writeFileSync(path.join(crate, 'src', 'bin', `${name}.rs`), text)
    }
    const [manifest] = blocks.filter(({ language }) => language === 'toml')
    fs.writeFileSync(
      path.join(crate, 'Cargo.toml'),
      `[package]\nname = "readme"\nversion = "1.0.0"\nedition = "2021"\n\n${manifest.text.replace(
        '../kindly-guard-ipc/bindings/rust',
        BINDING
      )}`
    )
    const built = await cargo(crate, ['build'])
    assert.equal(built.code, 0, built.stderr)
    const program = (name) => path.join(targetDir(), 'debug', name)
    const first = await run(program('shield'), [])
    assert.deepEqual([first.code, first.stderr], [0, ''])
    assert.equal(first.stdout, `published 1 to ${ring().file}\n`)
    const reading = startRust(program('client'), [], { isText: true })
    await until(async () => {
      // It may not have joined yet.
      await run(program('shield'), [])
      return reading.lines.length > 0 || reading.process.exitCode !== null
    }, 'the client prints a threat')
    assert.equal(await reading.kill(), 'SIGKILL')
    assert.equal(reading.lines[0], 'High PathTraversal "../../etc/passwd"')
  })

  it('links a library that is installed, of the same layouts', async () => {
    const prefix = inWork('installed')
    const places = [`BUILD=${inWork('make')}`, `PREFIX=${prefix}`]
    const native = path.join(ROOT, 'native')
    execFileSync('make', ['-s', '-C', native, 'install', ...places])
    const env = {
      CARGO_TARGET_DIR: inWork('target'),
      KINDLY_GUARD_PKG_CONFIG: '1',
      PKG_CONFIG_PATH: path.join(prefix, 'lib', 'pkgconfig')
    }
    const built = await cargo(PEER, ['build'], { env })
    assert.equal(built.code, 0, built.stderr)
    const program = inWork('target', 'debug', 'peer')
    const needs = execFileSync('readelf', ['-d', program], { encoding: 'utf8' })
    assert.match(needs, /NEEDED.*libkindly_guard_ipc\.so\.0/)
    place('plain', ring().dir)
    const { stdout, stderr } = await run(
      program,
      ['tail', ring().dir, 'oldest'],
      { env: { LD_LIBRARY_PATH: path.join(prefix, 'lib') } }
    )
    const { reads } = expected('plain')
    assert.deepEqual(parseLines(stdout), reads[0].gives, stderr)

    const abi = path.join(prefix, 'include', 'kindly-guard-ipc', 'kg_abi.json')
    const layouts = JSON.parse(fs.readFileSync(abi, 'utf8'))
    layouts.kg_threat.size += 8
    fs.writeFileSync(abi, JSON.stringify(layouts))
    const refused = await cargo(PEER, ['build'], { env })
    assert.notEqual(refused.code, 0)
    assert.match(refused.stderr, /another kg_threat than the C library/)
  })
})
