'use strict'
// Every package manager installs the tarball on a machine without a compiler,
// and what it installed uses shared memory.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { clone, linkedClone } = require('./clone.js')
const { Place, TARBALL } = require('./place.js')
const { manager } = require('./tools.js')

// What each is called with, to install and to install again from its lock.
const WAYS = {
  npm10: [['install'], ['ci'], 'package-lock.json'],
  npm11: [['install'], ['ci'], 'package-lock.json'],
  npm12: [['install'], ['ci'], 'package-lock.json'],
  pnpm9: [['install'], ['install', '--frozen-lockfile'], 'pnpm-lock.yaml'],
  pnpm10: [['install'], ['install', '--frozen-lockfile'], 'pnpm-lock.yaml'],
  yarn1: [['install'], ['install', '--frozen-lockfile'], 'yarn.lock'],
  yarn4: [['install'], ['install', '--immutable'], 'yarn.lock']
}

describe('the tarball, installed without a compiler', () => {
  for (const [name, [install, again, lock]] of Object.entries(WAYS)) {
    it(`by ${name}, and from its lock file`, () => {
      const place = new Place()
      if (name === 'yarn4') {
        place.write('.yarnrc.yml', 'nodeLinker: node-modules\n')
        place.write('yarn.lock', '')
      }
      place.depend()
      place.run([...manager(name), ...install])
      place.usesSharedMemoryTwice()
      assert.ok(fs.existsSync(path.join(place.dir, lock)))
      fs.rmSync(path.join(place.dir, 'node_modules'), { recursive: true })
      place.run([...manager(name), ...again])
      place.usesSharedMemoryTwice()
    })
  }

  it('by yarn4 without a folder node_modules', () => {
    const place = new Place()
    place.write('.yarnrc.yml', 'nodeLinker: pnp\n')
    place.write('yarn.lock', '')
    place.depend()
    place.run([...manager('yarn4'), 'install'])
    assert.ok(!fs.existsSync(path.join(place.dir, 'node_modules')))
    const loader = ['--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs']
    place.usesSharedMemory([...manager('yarn4'), 'node', 'use.cjs'])
    place.usesSharedMemory([
      ...[process.execPath, '--no-warnings', ...loader, 'use.mjs']
    ])
  })

  it('as an optional dependency', () => {
    const place = new Place()
    place.depend(`file:${TARBALL}`, 'optionalDependencies')
    place.run([...manager('npm11'), 'install'])
    place.usesSharedMemoryTwice()
  })

  it('without scripts', () => {
    const place = new Place()
    place.depend()
    place.run([...manager('npm11'), 'install', '--ignore-scripts'])
    place.usesSharedMemoryTwice()
  })

  it('and has no script that a package manager would ask about', () => {
    const manifest = execFileSync(
      'tar',
      ['-xzOf', TARBALL, 'package/package.json'],
      { encoding: 'utf8' }
    )
    const { scripts, gypfile } = JSON.parse(manifest)
    const atInstall = ['preinstall', 'install', 'postinstall']
    assert.deepEqual(
      atInstall.filter((name) => name in scripts),
      []
    )
    assert.equal(gypfile, false)
  })
})

describe('a clone', () => {
  it('as a git dependency keeps what was compiled', () => {
    const place = new Place()
    place.depend(`git+file://${clone(place)}`)
    place.run([...manager('npm11'), 'install'], {
      env: { PATH: process.env.PATH }
    })
    place.usesSharedMemoryTwice()
  })

  it('linked, without what only its developers need, still works', () => {
    const place = new Place()
    place.depend(`file:${linkedClone(place)}`)
    place.run([...manager('npm11'), 'install'])
    place.usesSharedMemoryTwice()
    place.run([...manager('npm11'), 'install', '--omit=dev'])
    place.usesSharedMemoryTwice()
  })
})
