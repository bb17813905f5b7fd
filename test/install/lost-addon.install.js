'use strict'
// Bundles that a bundler made without the addon, or that were shipped without
// it: they build in silence, run over WebSocket, and the reason has the line
// that mends them. What esbuild's loaders do is in bundlers.install.js.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { Place } = require('./place.js')
const { manager, tool, toolsDir } = require('./tools.js')

const BY_ESBUILD = String.raw`esbuild: --loader:\.node=copy, and no --external`
const BY_WEBPACK = String.raw`webpack: the rule \{ test: /\\.node\$/, loader: 'node-loader' \}`
const BY_ROLLUP = String.raw`rollup: the plugin in docs/platforms\.md`

const isAddon = (file) => file.endsWith('.node')

describe('a bundle that lost the addon', () => {
  let place
  let out

  before(() => {
    place = new Place()
    place.depend()
    place.run([...manager('npm11'), 'install'])
  })

  beforeEach(() => {
    out = fs.mkdtempSync(path.join(place.home, 'out-'))
  })

  /** Runs the bundle where nothing else is, and not what the bundler copied. */
  function says(name, ...expected) {
    const lonely = fs.mkdtempSync(path.join(place.home, 'alone-'))
    const filter = (file) => !isAddon(file)
    fs.cpSync(out, lonely, { recursive: true, filter })
    const bundle = [process.execPath, path.join(lonely, name)]
    const said = place.look(bundle, { cwd: place.home })
    assert.equal(said.details, '../../etc/passwd')
    assert.equal(said.transport, 'websocket')
    for (const each of expected) assert.match(said.reason, new RegExp(each))
  }

  /** Whether the bundler has copied an addon. */
  const hasCopy = () => fs.readdirSync(out).some(isAddon)

  const NOT_SHIPPED = [
    'the native addon for \\S+ does not load: the bundle is here without ',
    '[^/]\\.node; ship that file beside it$'
  ]

  for (const loader of ['copy', 'file']) {
    it(`by esbuild with the loader ${loader}, and not shipped`, async () => {
      await tool('esbuild').build({
        absWorkingDir: place.dir,
        entryPoints: ['use.cjs'],
        outfile: path.join(out, 'out.cjs'),
        bundle: true,
        platform: 'node',
        logLevel: 'error',
        loader: { '.node': loader }
      })
      assert(hasCopy())
      says('out.cjs', ...NOT_SHIPPED)
    })
  }

  async function webpack(options) {
    const compiler = tool('webpack')({
      context: place.dir,
      mode: 'production',
      target: 'node18',
      entry: path.join(place.dir, 'use.cjs'),
      output: { path: out, filename: 'out.cjs' },
      resolveLoader: { modules: [path.join(toolsDir(), 'node_modules')] },
      ...options
    })
    await new Promise((resolve, reject) => {
      compiler.run((error, done) => (error ? reject(error) : resolve(done)))
    })
  }

  const withRule = (rule) => ({
    module: { rules: [{ test: /\.node$/, ...rule }] }
  })
  const REPLACED = 'does not load: a bundler replaced it; let the bundler copy'
  const LEFT_OUT = 'no native addon for \\S+ in this bundle: .* left it out'

  it('by webpack with node-loader, and not shipped', async () => {
    await webpack(withRule({ loader: 'node-loader' }))
    assert(hasCopy())
    says('out.cjs', ...NOT_SHIPPED)
  })

  it('by webpack without a loader, which says so and goes on', async () => {
    await webpack({ optimization: { emitOnErrors: true } })
    says('out.cjs', REPLACED, BY_WEBPACK)
  })

  it('by webpack as text', async () => {
    await webpack(withRule({ type: 'asset/source' }))
    says('out.cjs', REPLACED, BY_WEBPACK)
  })

  it('by webpack as something external', async () => {
    const external = ({ request }, callback) =>
      isAddon(request) ? callback(null, `commonjs ${request}`) : callback()
    await webpack({ externals: [external] })
    says('out.cjs', LEFT_OUT, BY_WEBPACK)
  })

  for (const [format, file, expected] of [
    ['cjs', 'out.cjs', LEFT_OUT],
    ['es', 'out.mjs', 'this bundle is an ES module that has no require']
  ]) {
    it(`by rollup as ${format}, which ignores it`, async () => {
      const { nodeResolve } = tool('@rollup/plugin-node-resolve')
      const bundle = await tool('rollup').rollup({
        input: path.join(place.dir, 'use.mjs'),
        plugins: [
          nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }),
          tool('@rollup/plugin-commonjs')({ ignore: isAddon }),
          tool('@rollup/plugin-json')()
        ],
        onwarn: () => {}
      })
      await bundle.write({ dir: out, format, entryFileNames: file })
      await bundle.close()
      says(file, expected, BY_ESBUILD, BY_WEBPACK, BY_ROLLUP)
    })
  }
})
