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
const FOLDER = `import { fileURLToPath as pathOfUrl } from 'node:url'
const __dirname = pathOfUrl(new URL('.', import.meta.url))
`

// Both ends, each by its part of the package: the one client reads the ring, the
// other one connects to the WebSocket.
const PARTS = `
async function use({ createClient, PlatformShm }, { createHybridTransport }) {
  const dir = process.argv[2]
  const shield = createHybridTransport({ dir, websocket: { port: 0 } })
  await shield.ready()
  shield.writeThreat({
    threatType: 'PathTraversal',
    severity: 'High',
    source: 'mcp',
    details: '../../etc/passwd'
  })
  const got = []
  for (const preferShm of [true, false]) {
    const client = await createClient({ dir, from: 'oldest', preferShm })
    const take = ({ details }) => {
      got.push(details, client.stats().transport)
      return false
    }
    await client.pollThreats(take, { signal: AbortSignal.timeout(30_000) })
    await client.close()
  }
  await shield.close()
  console.log(JSON.stringify({ got, reason: PlatformShm.unavailableReason() }))
}
`
const PATH = '../../etc/passwd'
const GOT = { got: [PATH, 'shm', PATH, 'websocket'], reason: null }

// A Shield with a ring alone, and a client that may look for more.
const RING = `
async function use({ createClient }, { createTransport }) {
  const dir = process.argv[2]
  const shield = createTransport({ dir, websocket: { enabled: false } })
  await shield.ready()
  shield.writeThreat({ threatType: 1, severity: 1, source: '', details: 'd' })
  const client = await createClient({ dir, from: 'oldest' })
  await client.pollThreats(({ details }) => {
    console.log(JSON.stringify({ details }))
    return false
  })
  await client.close()
  await shield.close()
}
`

const MEASURE = `
async function measure(BenchmarkClient) {
  try {
    const client = new BenchmarkClient()
    const options = { transport: 'shm', events: 5, pauseMs: 1 }
    const { events } = await client.measureLatency(options)
    console.log(JSON.stringify({ events }))
  } catch ({ code, message }) {
    console.log(JSON.stringify({ code, message }))
  }
}
`

const PROGRAMS = {
  'parts.cjs': `${PARTS}
use(require('kindly-guard-ipc/client'), require('kindly-guard-ipc/shield'))`,
  'parts.mjs': `import { createClient, PlatformShm } from 'kindly-guard-ipc/client'
import { createHybridTransport } from 'kindly-guard-ipc/shield'
${PARTS}
use({ createClient, PlatformShm }, { createHybridTransport })`,
  'ring.cjs': `${RING}
use(require('kindly-guard-ipc/client'), require('kindly-guard-ipc/shield'))`,
  'client.cjs': `const { createClient } = require('kindly-guard-ipc/client')
createClient().then((client) => client.close())`,
  'measure.mjs': `import { BenchmarkClient } from 'kindly-guard-ipc'
${MEASURE}
measure(BenchmarkClient)`
}

// What BenchmarkClient starts, beside the bundle that starts it.
const BESIDE = { 'benchmark-shield': 'kindly-guard-ipc/benchmark-shield' }

// Of a client, minified, without the addon. A third of it is `ws`.
const MOST_BYTES = 150 * 1024

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

describe('a bundle', () => {
  let place
  let out

  before(() => {
    place = new Place()
    place.depend()
    place.run([...manager('npm11'), 'install'])
    for (const [name, text] of Object.entries(PROGRAMS)) place.write(name, text)
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

  // Each gets the entries by the names of their bundles, without an extension.

  async function esbuild(entries, extension, options) {
    const { metafile } = await tool('esbuild').build({
      absWorkingDir: place.dir,
      entryPoints: entries,
      outdir: out,
      outExtension: { '.js': extension },
      bundle: true,
      metafile: true,
      platform: 'node',
      target: 'node18',
      logLevel: 'error',
      ...options
    })
    return metafile
  }

  async function webpack(entries) {
    const isOurs = (entry) => fs.existsSync(path.join(place.dir, entry))
    const entry = Object.fromEntries(
      Object.entries(entries).map(([name, file]) => [
        name,
        isOurs(file) ? path.join(place.dir, file) : file
      ])
    )
    const compiler = tool('webpack')({
      context: place.dir,
      mode: 'production',
      target: 'node18',
      entry,
      output: { path: out, filename: '[name].cjs' },
      module: { rules: [{ test: /\.node$/, loader: 'node-loader' }] },
      resolveLoader: { modules: [path.join(toolsDir(), 'node_modules')] }
    })
    const stats = await new Promise((resolve, reject) => {
      compiler.run((error, done) => (error ? reject(error) : resolve(done)))
    })
    assert.ok(!stats.hasErrors(), stats.toString('errors-only'))
  }

  async function rollup(entries, format, extension) {
    const { nodeResolve } = tool('@rollup/plugin-node-resolve')
    const bundle = await tool('rollup').rollup({
      input: Object.fromEntries(
        Object.entries(entries).map(([name, file]) => [
          name,
          path.extname(file) === '' ? file : path.join(place.dir, file)
        ])
      ),
      plugins: [
        copyAddons(),
        nodeResolve({
          preferBuiltins: true,
          exportConditions: ['node'],
          rootDir: place.dir
        }),
        tool('@rollup/plugin-commonjs')({
          // What is missing is what ws can do without.
          ignoreTryCatch: (id) => !id.endsWith('.node')
        }),
        tool('@rollup/plugin-json')()
      ],
      onwarn: () => {}
    })
    await bundle.write({
      dir: out,
      format,
      banner: format === 'es' ? FOLDER : '',
      entryFileNames: `[name]${extension}`,
      chunkFileNames: `[name]-[hash]${extension}`
    })
    await bundle.close()
  }

  const COPIED = { loader: { '.node': 'copy' } }
  const AS_ESM = { format: 'esm', banner: { js: BANNER + FOLDER } }
  const BUNDLERS = {
    'esbuild as CommonJS': ['.cjs', (e) => esbuild(e, '.cjs', COPIED)],
    'esbuild as ESM': [
      '.mjs',
      (e) => esbuild(e, '.mjs', { ...COPIED, ...AS_ESM })
    ],
    'esbuild, minified': [
      '.cjs',
      (e) => esbuild(e, '.cjs', { ...COPIED, minify: true })
    ],
    webpack: ['.cjs', webpack],
    'rollup as CommonJS': ['.cjs', (e) => rollup(e, 'cjs', '.cjs')],
    'rollup as ESM': ['.mjs', (e) => rollup(e, 'es', '.mjs')]
  }

  for (const [name, [extension, bundle]] of Object.entries(BUNDLERS)) {
    // It takes ES modules.
    const isRollup = name.startsWith('rollup')
    const kinds = isRollup ? ['mjs'] : ['cjs', 'mjs']

    for (const kind of kinds) {
      it(`by ${name} of use.${kind}`, async () => {
        await bundle({ out: `use.${kind}` })
        const command = alone(`out${extension}`)
        place.usesSharedMemory(command, { cwd: place.home })
      })

      it(`by ${name} of the parts, in parts.${kind}`, async () => {
        await bundle({ out: `parts.${kind}` })
        const command = alone(`out${extension}`)
        assert.deepEqual(place.look(command, { cwd: place.home }), GOT)
      })
    }

    it(`by ${name} measures, with benchmark-shield beside it`, async () => {
      await bundle({ out: 'measure.mjs', ...BESIDE })
      const command = alone(`out${extension}`)
      assert.deepEqual(place.look(command, { cwd: place.home }), { events: 5 })
    })
  }

  it('says that benchmark-shield is missing', async () => {
    await esbuild({ out: 'measure.mjs' }, '.cjs', COPIED)
    const said = place.look(alone('out.cjs'), { cwd: place.home })
    assert.equal(said.code, 'ERR_BENCHMARK_FAILED')
    assert.match(said.message, /bundle kindly-guard-ipc\/benchmark-shield as/)
  })

  it('by esbuild as ESM needs no folder of its own', async () => {
    const options = { ...COPIED, format: 'esm', banner: { js: BANNER } }
    await esbuild({ out: 'parts.mjs' }, '.mjs', options)
    const command = alone('out.mjs')
    assert.deepEqual(place.look(command, { cwd: place.home }), GOT)
  })

  for (const [format, extension, more] of [
    ['CommonJS', '.cjs', {}],
    ['ESM', '.mjs', AS_ESM]
  ]) {
    for (const entry of ['use.cjs', 'use.mjs']) {
      it(`by esbuild with the loader file, as ${format} of ${entry}`, async () => {
        const loader = { '.node': 'file' }
        await esbuild({ out: entry }, extension, { loader, ...more })
        const command = alone(`out${extension}`)
        place.usesSharedMemory(command, { cwd: place.home })
      })
    }
  }

  it('of a client has no Shield in it, and is small', async () => {
    const options = { ...COPIED, minify: true }
    const metafile = await esbuild({ out: 'client.cjs' }, '.cjs', options)
    const inputs = Object.keys(metafile.inputs)
    const has = (pattern) => inputs.filter((file) => pattern.test(file))
    assert.notDeepEqual(has(/kindly-guard-ipc\/lib\/client\//), [])
    assert.deepEqual(
      has(/lib\/(shield|benchmark|cli|websocket\/server)\/|smol-toml/),
      []
    )
    const { size } = fs.statSync(path.join(out, 'out.cjs'))
    assert.ok(size < MOST_BYTES, `${size} bytes`)
    place.run(alone('out.cjs'), { cwd: place.home })
  })

  it('without ws reads a ring all the same', async () => {
    const options = { ...COPIED, external: ['ws'] }
    await esbuild({ out: 'ring.cjs' }, '.cjs', options)
    const said = place.look(alone('out.cjs'), { cwd: place.home })
    assert.deepEqual(said, { details: 'd' })
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
      await esbuild({ out: 'use.cjs' }, '.cjs', options)
      const said = place.look(alone('out.cjs'), { cwd: place.home })
      assert.equal(said.details, '../../etc/passwd')
      assert.equal(said.transport, 'websocket')
      assert.match(said.reason, expected)
    })
  }
})
