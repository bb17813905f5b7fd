'use strict'
// What `prepare` does in a clone: it compiles beside what is there, and puts a
// new addon in the place of the old one only when it is whole.

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ownTarget } = require('../../lib/shm/addon-file.js')
const { clone } = require('./clone.js')
const { Place } = require('./place.js')

const ROOT = path.join(__dirname, '..', '..')
const ADDON = 'kindly_guard_ipc.node'

describe('npm run prepare', () => {
  let place
  let dir
  let built
  let packed
  let before

  beforeEach(() => {
    place = new Place()
    dir = clone(place)
    const link = path.join(dir, 'node_modules')
    fs.symlinkSync(path.join(ROOT, 'node_modules'), link)
    fs.cpSync(path.join(ROOT, 'build'), path.join(dir, 'build'), {
      recursive: true
    })
    built = path.join(dir, 'build', 'Release', ADDON)
    packed = path.join(dir, 'prebuilds', ownTarget(), ADDON)
    before = fs.readFileSync(built)
  })

  function prepare(env = process.env) {
    const program = path.join(dir, 'native', 'tools', 'build.js')
    const options = { cwd: dir, env, encoding: 'utf8' }
    return spawnSync(process.execPath, [program], options)
  }

  const append = (text) =>
    fs.appendFileSync(path.join(dir, 'native', 'base', 'error.c'), text)

  function works() {
    const link = path.join(place.dir, 'node_modules')
    fs.rmSync(link, { recursive: true, force: true })
    fs.mkdirSync(link)
    fs.symlinkSync(dir, path.join(link, 'kindly-guard-ipc'))
    place.usesSharedMemory([process.execPath, 'use.cjs'])
  }

  it('leaves alone what is up to date, and keeps it for npm pack', () => {
    const { ino } = fs.statSync(built)
    const { status, stdout, stderr } = prepare(place.env)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /the addon is up to date/)
    assert.equal(fs.statSync(built).ino, ino)
    assert.deepEqual(fs.readFileSync(packed), before)
    const sums = fs.readFileSync(path.join(dir, 'prebuilds', 'SHA256SUMS'))
    assert.match(String(sums), new RegExp(`${ownTarget()}/${ADDON}\n$`))
  })

  it('does not replace what npm run prebuild made for this machine', () => {
    fs.mkdirSync(path.dirname(packed), { recursive: true })
    fs.writeFileSync(packed, 'from prebuild')
    assert.equal(prepare(place.env).status, 0)
    assert.equal(fs.readFileSync(packed, 'utf8'), 'from prebuild')
  })

  it('without a compiler says so, succeeds, and leaves what works', () => {
    append('/* new */\n')
    const { status, stdout, stderr } = prepare(place.env)
    assert.equal(status, 0, stderr)
    assert.match(
      stdout,
      /not compiled, because a C compiler, a C\+\+ compiler, make, python3 is missing/
    )
    assert.deepEqual(fs.readFileSync(built), before)
    works()
  })

  it('that fails to compile says where, and leaves what works', () => {
    append('#error "an error of the test"\n')
    const { status, stderr } = prepare()
    assert.equal(status, 1)
    assert.match(stderr, /an error of the test/)
    assert.match(stderr, /the addon was not compiled \(see above\)/)
    assert.deepEqual(fs.readFileSync(built), before)
    works()
  })

  it('compiles where the linker cannot optimize', () => {
    const compiler = (name) => {
      const file = path.join(place.dir, name)
      const refuse = 'case " $* " in *" -flto "*) exit 1 ;; esac'
      const text = `#!/bin/sh\n${refuse}\nexec ${name} "$@"\n`
      fs.writeFileSync(file, text, { mode: 0o755 })
      return file
    }
    append('/* new */\n')
    const env = { ...process.env, CC: compiler('gcc'), CXX: compiler('g++') }
    const { status, stdout, stderr } = prepare(env)
    assert.equal(status, 0, stderr)
    assert.match(stdout, /was compiled in/)
    assert.notDeepEqual(fs.readFileSync(built), before)
    works()
  })

  it('compiles again what is damaged, into a new file', () => {
    fs.writeFileSync(built, before.subarray(0, 1000))
    const held = fs.openSync(built, 'r')
    const { status, stdout, stderr } = prepare()
    assert.equal(status, 0, stderr)
    assert.match(stdout, /was compiled in/)
    // Who has the old file open has it still, as it was.
    assert.equal(fs.fstatSync(held).size, 1000)
    assert.equal(fs.fstatSync(held).nlink, 0)
    fs.closeSync(held)
    assert.deepEqual(fs.readFileSync(packed), fs.readFileSync(built))
    works()
  })
})
