'use strict'
// An extension for VS Code is packaged by vsce, and what is in the .vsix runs
// by itself, over shared memory; the editor is a stub.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { linkedClone } = require('./clone.js')
const { BODY, Place, TARBALL } = require('./place.js')
const { manager, node22, tool, toolsDir } = require('./tools.js')

const MANIFEST = {
  name: 'extension',
  publisher: 'test',
  version: '1.0.0',
  license: 'MIT',
  engines: { vscode: '^1.90.0' },
  activationEvents: ['onStartupFinished'],
  main: './main.js'
}

const MAIN = `const vscode = require('vscode')
const { IpcFactory, PlatformShm } = require('kindly-guard-ipc')
${BODY}
exports.activate = () => {
  vscode.window.setStatusBarMessage('watching')
  return use(IpcFactory, PlatformShm)
}
`

// The editor's part: it gives the extension its module, and activates it.
const HOST = `const Module = require('node:module')
const load = Module._load
const vscode = { window: { setStatusBarMessage() {} } }
Module._load = (name, ...rest) =>
  name === 'vscode' ? vscode : load(name, ...rest)
const [main] = process.argv.splice(2, 1)
require(main).activate({ subscriptions: [] })
`

/** Writes what a .vsix has into a folder. */
async function unpack(file, dir) {
  const zip = await tool('yauzl').openPromise(file)
  for await (const entry of zip.eachEntry()) {
    const to = path.join(dir, entry.fileName)
    fs.mkdirSync(path.dirname(to), { recursive: true })
    const stream = await zip.openReadStreamPromise(entry)
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    fs.writeFileSync(to, Buffer.concat(chunks))
  }
}

describe('an extension that vsce packages', () => {
  let place
  let vsix
  let host

  beforeEach(() => {
    place = new Place()
    vsix = path.join(place.home, 'extension.vsix')
    host = path.join(place.home, 'host.js')
    fs.writeFileSync(host, HOST)
    place.write('main.js', MAIN)
    place.write('README.md', '# An extension\n')
    place.write('LICENSE', 'As you like.\n')
    // vsce asks npm for what is installed.
    const bin = path.join(place.home, 'bin')
    const npm = manager('npm11').map((word) => `'${word}'`)
    fs.mkdirSync(bin)
    const script = `#!/bin/sh\nexec ${npm.join(' ')} "$@"\n`
    fs.writeFileSync(path.join(bin, 'npm'), script, { mode: 0o755 })
    place.env.PATH = `${bin}:${place.env.PATH}`
  })

  const vsce = (...args) => [
    ...[node22(), path.join(toolsDir(), 'node_modules/@vscode/vsce/vsce')],
    ...['package', '--allow-missing-repository', '--out', vsix, ...args]
  ]

  /** The files of the .vsix, in a folder where nothing else can be found. */
  async function runsAlone(main) {
    const dir = fs.mkdtempSync(path.join(place.home, 'installed-'))
    await unpack(vsix, dir)
    const file = path.join(dir, 'extension', main)
    place.usesSharedMemory([process.execPath, host, file], { cwd: dir })
    return fs.readdirSync(dir, { recursive: true })
  }

  it('with the tarball has the addons of all targets', async () => {
    place.depend(`file:${TARBALL}`, 'dependencies', MANIFEST)
    place.run([...manager('npm11'), 'install'])
    place.run(vsce())
    const files = await runsAlone('main.js')
    const installed = 'node_modules/kindly-guard-ipc/prebuilds'
    const targets = fs
      .readdirSync(path.join(place.dir, installed))
      .filter((name) => !name.includes('.') && name !== 'SHA256SUMS')
    assert.ok(targets.length > 1)
    for (const target of targets) {
      const addon = `${installed}/${target}/kindly_guard_ipc.node`
      assert.ok(files.includes(`extension/${addon}`), target)
    }
  })

  describe('with a clone that is linked', () => {
    beforeEach(() => {
      place.depend(`file:${linkedClone(place)}`, 'dependencies', MANIFEST)
      place.run([...manager('npm11'), 'install'])
    })

    it('is refused by vsce itself', () => {
      const [program, ...args] = vsce()
      const { status, stderr } = spawnSync(program, args, {
        cwd: place.dir,
        env: place.env,
        encoding: 'utf8'
      })
      assert.notEqual(status, 0)
      assert.match(stderr, /invalid relative path: extension\/\.\.\//)
    })

    it('runs when it is bundled, and packaged without dependencies', async () => {
      await tool('esbuild').build({
        absWorkingDir: place.dir,
        entryPoints: ['main.js'],
        outfile: path.join(place.dir, 'dist', 'main.js'),
        bundle: true,
        platform: 'node',
        external: ['vscode'],
        loader: { '.node': 'copy' },
        logLevel: 'error'
      })
      const manifest = JSON.parse(
        fs.readFileSync(path.join(place.dir, 'package.json'), 'utf8')
      )
      place.write('package.json', { ...manifest, main: './dist/main.js' })
      place.write('.vscodeignore', 'main.js\nuse.*\n')
      place.run(vsce('--no-dependencies'))
      const files = await runsAlone('dist/main.js')
      assert.deepEqual(
        files.filter((file) => /node_modules|\bmain\.js$/.test(file)),
        ['extension/dist/main.js']
      )
    })
  })
})
