'use strict'
// What is in the tarball, and what judges of packages say about it.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')
const { TARGETS } = require('../../native/tools/prebuild/targets.js')
const { verify } = require('../../native/tools/prebuild/verify.js')
const { Place, TARBALL } = require('./place.js')
const { manager, toolsDir } = require('./tools.js')

const ADDON = 'kindly_guard_ipc.node'
const MOST_BYTES = 2_000_000

// All that is at its top or in prebuilds/, and folders whose content is code.
const TOP = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
const FOLDERS = ['lib', 'native', 'examples', 'prebuilds']
const NEVER = [
  /^binding\.gyp$/,
  /^native\/tools\/(?!(build|node-gyp|stage)\.js$)/,
  /^(test|bench|docs|build|node_modules|\.)/,
  /\.(ndjson|o|d|tgz|log)$/
]

describe('the tarball', () => {
  let place
  let dir
  let files

  before(() => {
    place = new Place()
    execFileSync('tar', ['-xzf', TARBALL, '-C', place.home])
    dir = path.join(place.home, 'package')
    files = fs
      .readdirSync(dir, { recursive: true })
      .filter((file) => fs.statSync(path.join(dir, file)).isFile())
  })

  it('is small', () => {
    const { size } = fs.statSync(TARBALL)
    assert.ok(size < MOST_BYTES, `${size} bytes`)
  })

  it('holds what users need, and nothing else', () => {
    const isKnown = (file) =>
      TOP.includes(file) || FOLDERS.includes(file.split(path.sep)[0])
    const isWrong = (file) => NEVER.some((never) => never.test(file))
    assert.deepEqual(
      files.filter((file) => !isKnown(file) || isWrong(file)),
      []
    )
    const { exports: entries } = require(path.join(dir, 'package.json'))
    const targets = JSON.stringify(entries).match(
      /(?<="\.\/)[^"]+\.[a-z]+(?=")/g
    )
    assert.ok(targets.includes('lib/client-entry.d.mts'), targets)
    for (const file of [...TOP, 'native/binding.gyp', ...targets]) {
      assert.ok(files.includes(file), file)
    }
  })

  it('has an addon for each target, by its checksum', () => {
    const sums = fs.readFileSync(path.join(dir, 'prebuilds/SHA256SUMS'), 'utf8')
    const listed = sums.trimEnd().split('\n')
    const wanted = TARGETS.map(({ name }) => `${name}/${ADDON}`).sort()
    assert.deepEqual(
      listed.map((line) => line.split('  ')[1]),
      wanted
    )
    for (const line of listed) {
      const [sum, file] = line.split('  ')
      const bytes = fs.readFileSync(path.join(dir, 'prebuilds', file))
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sum, file)
    }
  })

  const addonOf = ({ name }) => path.join(dir, 'prebuilds', name, ADDON)

  for (const target of TARGETS) {
    it(`has an addon for ${target.name} that is for it alone`, () => {
      const bytes = fs.readFileSync(addonOf(target))
      verify(target, bytes)
      for (const other of TARGETS.filter((one) => one !== target)) {
        assert.throws(() => verify(other, bytes), /is for /, other.name)
      }
      for (const length of [bytes.length / 2, bytes.length - 1]) {
        const cut = bytes.subarray(0, length)
        assert.throws(() => verify(target, cut), /is not whole/, `${length}`)
      }
      const half = Buffer.from(bytes).fill(0, bytes.length / 2)
      assert.throws(() => verify(target, half), /is not whole/)
    })
  }

  it('has the licence of all that is compiled into them', () => {
    const text = fs.readFileSync(
      path.join(dir, 'prebuilds/LICENSES.txt'),
      'utf8'
    )
    for (const part of ['node-addon-api', 'libc++', 'zig']) {
      assert.match(
        text,
        new RegExp(`^=== .*${part.replaceAll('+', '\\+')}`, 'm')
      )
    }
    assert.ok(files.includes('native/node-addon-api/LICENSE.md'))
  })

  for (const [name, file, args] of [
    ['publint', 'publint/src/cli.js', ['--strict']],
    ['attw', '@arethetypeswrong/cli/dist/index.js', ['--no-color']]
  ]) {
    it(`pleases ${name}`, () => {
      const program = path.join(toolsDir(), 'node_modules', file)
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [program, TARBALL, ...args],
        { encoding: 'utf8', cwd: place.dir }
      )
      assert.equal(status, 0, `${stdout}${stderr}`)
    })
  }
})

describe('an installed package', () => {
  let place
  let installed

  before(() => {
    place = new Place()
    place.depend()
    place.run([...manager('npm11'), 'install'])
    installed = path.join(place.dir, 'node_modules', 'kindly-guard-ipc')
  })

  // The oldest and the newest, and the oldest types of Node that work.
  const COMPILERS = [
    ['typescript50', 'node-types18'],
    ['typescript50', 'node-types20'],
    ['typescript7', 'node-types24']
  ]
  const MODULES = [
    ['use.cts', { module: 'node16', moduleResolution: 'node16' }],
    ['use.mts', { module: 'node16', moduleResolution: 'node16' }],
    ['use.ts', { module: 'esnext', moduleResolution: 'bundler' }],
    ['use.ts', { module: 'commonjs', moduleResolution: 'node10' }]
  ]
  const isTried = (compiler, types, file, { moduleResolution }) =>
    // TypeScript 7 has no such resolution any more.
    (compiler !== 'typescript7' || moduleResolution !== 'node10') &&
    // Differs from the older types in what one of them shows.
    (types !== 'node-types20' || file === 'use.cts')
  const cases = COMPILERS.flatMap((compiler) =>
    MODULES.map((modules) => [...compiler, ...modules])
  ).filter((one) => isTried(...one))
  for (const [compiler, types, file, options] of cases) {
    const { moduleResolution } = options
    it(`compiles with ${compiler} and ${types}: ${file}, ${moduleResolution}`, () => {
      const tools = path.join(toolsDir(), 'node_modules')
      const link = path.join(place.dir, 'node_modules', '@types', 'node')
      fs.mkdirSync(path.dirname(link), { recursive: true })
      fs.rmSync(link, { recursive: true, force: true })
      fs.cpSync(path.join(tools, types), link, { recursive: true })
      fs.cpSync(
        path.join(tools, 'undici-types'),
        path.join(place.dir, 'node_modules', 'undici-types'),
        { recursive: true }
      )
      place.write(
        file,
        `import { IpcFactory, type IpcTransport } from 'kindly-guard-ipc'
import { createClient, type IpcClient } from 'kindly-guard-ipc/client'
import { createTransport } from 'kindly-guard-ipc/shield'
export const made: IpcTransport = IpcFactory.createTransport()
export const same: IpcTransport = createTransport()
export const client: Promise<IpcClient> = createClient()
made.on('transport', ({ to }) => to.toUpperCase())
// @ts-expect-error It is known, and not just anything.
export const wrong: number = IpcFactory.createTransport()
`
      )
      place.write('tsconfig.json', {
        compilerOptions: {
          ...options,
          target: 'es2022',
          strict: true,
          noEmit: true,
          types: ['node']
        },
        files: [file]
      })
      const tsc = path.join(tools, compiler, 'bin', 'tsc')
      place.run([process.execPath, tsc, '-p', '.'])
    })
  }

  it('compiles an addon where none is for the machine', () => {
    fs.rmSync(path.join(installed, 'prebuilds'), { recursive: true })
    const { reason } = place.look([process.execPath, 'use.cjs'])
    assert.match(reason, /`npx kindly-guard-ipc build` compiles one/)

    const command = [
      process.execPath,
      path.join(installed, 'lib', 'cli', 'main.js'),
      'build'
    ]
    const without = spawnSync(command[0], command.slice(1), {
      env: place.env,
      encoding: 'utf8'
    })
    assert.equal(without.status, 1)
    assert.match(
      without.stdout,
      /not compiled, because a C compiler, .* missing/
    )

    const env = { PATH: process.env.PATH }
    assert.match(place.run(command, { env }), /was compiled in/)
    place.usesSharedMemoryTwice()
    assert.match(place.run(command, { env }), /is up to date/)
  })
})
