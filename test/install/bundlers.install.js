'use strict'
// A program that is bundled with the package runs alone, in a folder that has
// nothing but the bundle, over shared memory; or says that its bundler took the
// addon away, and runs over WebSocket.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { Place } = require('./place.js')
const { manager, tool, toolsDir } = require('./tools.js')

// What the package's CommonJS needs, and ESM has not.
const BANNER = `import { createRequire } from 'node:module'
const require = createRequire(import.meta.url)
`
const BANNER_WITH_FOLDER = `${BANNER}import { fileURLToPath } from 'node:url'
const __dirname = fileURLToPath(new URL('.', import.meta.url))
`

describe('a bundle', () => {
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

  /** The bundle, where nothing else can be found. */
  function alone(name) {
    const lonely = fs.mkdtempSync(path.join(place.home, 'alone-'))
    fs.cpSync(out, lonely, { recursive: true })
    fs.rmSync(out, { recursive: true })
    return [process.execPath, path.join(lonely, name)]
  }

  const inPlace = (file) => path.join(place.dir, file)

  async function esbuild(entry, outfile, options) {
    await tool('esbuild').build({
      absWorkingDir: place.dir,
      entryPoints: [entry],
      outfile: path.join(out, outfile),
      bundle: true,
      platform: 'node',
      target: 'node18',
      logLevel: 'error',
      ...options
    })
    return alone(outfile)
  }

  for (const loader of ['copy', 'file']) {
    for (const entry of ['use.cjs', 'use.mjs']) {
      it(`by esbuild with the loader ${loader}: CommonJS of ${entry}`, async () => {
        const bundle = await esbuild(entry, 'out.cjs', {
          loader: { '.node': loader }
        })
        place.usesSharedMemory(bundle, { cwd: place.home })
      })

      it(`by esbuild with the loader ${loader}: ESM of ${entry}`, async () => {
        const bundle = await esbuild(entry, 'out.mjs', {
          format: 'esm',
          banner: { js: loader === 'copy' ? BANNER : BANNER_WITH_FOLDER },
          loader: { '.node': loader }
        })
        place.usesSharedMemory(bundle, { cwd: place.home })
      })
    }
  }

  it('by esbuild, minified', async () => {
    const bundle = await esbuild('use.cjs', 'out.cjs', {
      minify: true,
      loader: { '.node': 'copy' }
    })
    place.usesSharedMemory(bundle, { cwd: place.home })
  })

  const REPLACED = /a bundler replaced it; .*--loader:\.node=copy/
  const without = {
    base64: [{ loader: { '.node': 'base64' } }, REPLACED],
    binary: [{ loader: { '.node': 'binary' } }, REPLACED],
    dataurl: [{ loader: { '.node': 'dataurl' } }, REPLACED],
    text: [{ loader: { '.node': 'text' } }, REPLACED],
    empty: [{ loader: { '.node': 'empty' } }, REPLACED],
    external: [
      { external: ['*.node'] },
      /no native addon .* in this bundle: .*--loader:\.node=copy/
    ]
  }
  for (const [loader, [options, expected]] of Object.entries(without)) {
    it(`by esbuild with ${loader} says what is missing`, async () => {
      const bundle = await esbuild('use.cjs', 'out.cjs', options)
      const said = place.look(bundle, { cwd: place.home })
      assert.equal(said.details, '../../etc/passwd')
      assert.equal(said.transport, 'websocket')
      assert.match(said.reason, expected)
    })
  }

  for (const entry of ['use.cjs', 'use.mjs']) {
    it(`by webpack of ${entry}`, async () => {
      const compiler = tool('webpack')({
        context: place.dir,
        mode: 'production',
        target: 'node18',
        entry: inPlace(entry),
        output: { path: out, filename: 'out.cjs' },
        module: { rules: [{ test: /\.node$/, loader: 'node-loader' }] },
        resolveLoader: { modules: [path.join(toolsDir(), 'node_modules')] }
      })
      const stats = await new Promise((resolve, reject) => {
        compiler.run((error, done) => (error ? reject(error) : resolve(done)))
      })
      assert.ok(!stats.hasErrors(), stats.toString('errors-only'))
      place.usesSharedMemory(alone('out.cjs'), { cwd: place.home })
    })
  }

  /** Copies addons, as the guide shows it. */
  const copyAddons = () => ({
    name: 'copy-addons',
    resolveId(source, importer) {
      if (!source.endsWith('.node')) return null
      return path.resolve(path.dirname(importer), source)
    },
    load(id) {
      if (!id.endsWith('.node')) return null
      if (!fs.existsSync(id)) return 'export default null'
      const ref = this.emitFile({
        type: 'asset',
        name: path.basename(id),
        source: fs.readFileSync(id)
      })
      // The name alone: what is imported here is loaded at once, and of all
      // addons only one is for this machine.
      return (
        "import { fileURLToPath } from 'node:url'\n" +
        `export default fileURLToPath(import.meta.ROLLUP_FILE_URL_${ref})\n`
      )
    }
  })

  for (const [format, file] of [
    ['cjs', 'out.cjs'],
    ['es', 'out.mjs']
  ]) {
    it(`by rollup as ${format}`, async () => {
      const { nodeResolve } = tool('@rollup/plugin-node-resolve')
      const bundle = await tool('rollup').rollup({
        input: inPlace('use.mjs'),
        plugins: [
          copyAddons(),
          nodeResolve({ preferBuiltins: true, exportConditions: ['node'] }),
          tool('@rollup/plugin-commonjs')({
            // What is missing is what ws can do without.
            ignoreTryCatch: (id) => !id.endsWith('.node')
          }),
          tool('@rollup/plugin-json')()
        ],
        onwarn: () => {}
      })
      await bundle.write({ dir: out, format, entryFileNames: file })
      await bundle.close()
      place.usesSharedMemory(alone(file), { cwd: place.home })
    })
  }
})
