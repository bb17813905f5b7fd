'use strict'
// Directories on file systems that lack what a ring needs: those of processes
// (FUSE), whose files are not mapped or have no permissions. Needs root, to
// mount them, and Debian's packages for them, which it installs.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { IpcFactory, SharedMemoryIpc } = require('../../lib/index.js')
const { threat, useRing } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')
const { installPackages } = require('../tools/debian.js')

// Each with the program that mounts it or makes it.
const PACKAGES = {
  bindfs: 'bindfs',
  'mount.exfat-fuse': 'exfat-fuse',
  'mkfs.exfat': 'exfatprogs'
}
const IMAGE_BYTES = 8 * 1024 * 1024

function installMissing() {
  const missing = Object.entries(PACKAGES)
    .filter(([program]) => spawnSync('which', [program]).status !== 0)
    .map(([, name]) => name)
  if (missing.length === 0) return
  installPackages(missing)
}

describe('file systems that lack something', () => {
  const opened = []
  let undo = []

  before(function () {
    this.timeout(300_000)
    assert.equal(process.getuid(), 0, 'these tests need root')
    installMissing()
  })

  // Before the ring's own hook removes the directory below.
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
    for (const [program, ...args] of undo.reverse()) execFileSync(program, args)
    undo = []
  })

  const current = useRing()

  function make(name) {
    const dir = path.join(current().dir, name)
    fs.mkdirSync(dir, { mode: 0o700 })
    return dir
  }

  /** A directory whose files cannot be mapped to be shared. */
  function withoutMapping() {
    const [from, dir] = [make('behind'), make('mounted')]
    execFileSync('bindfs', ['-o', 'direct_io', from, dir])
    undo.push(['umount', '-l', dir])
    return dir
  }

  /** A directory in which everything belongs to all, whatever is asked. */
  function withoutPermissions() {
    const dir = make('mounted')
    const image = path.join(current().dir, 'image')
    fs.writeFileSync(image, '')
    fs.truncateSync(image, IMAGE_BYTES)
    execFileSync('mkfs.exfat', [image], { stdio: 'ignore' })
    const device = execFileSync('losetup', ['--find', '--show', image], {
      encoding: 'utf8'
    }).trim()
    undo.push(['losetup', '--detach', device])
    execFileSync('mount.exfat-fuse', [device, dir], { stdio: 'ignore' })
    undo.push(['umount', dir])
    return path.join(dir, 'ring')
  }

  for (const [what, mount, code, expected] of [
    [
      'maps no files',
      withoutMapping,
      'ERR_SHM_UNAVAILABLE',
      /: its file system maps no files \(.*\), choose a dir on a local disk/
    ],
    [
      'keeps no permissions',
      withoutPermissions,
      'ERR_UNSAFE_PATH',
      /was made for its owner alone and is not: its file system keeps no perm/
    ]
  ]) {
    it(`F32 F60 one that ${what}: it is said, and WebSocket serves`, async () => {
      const dir = mount()
      assert.throws(
        () => new SharedMemoryIpc({ dir }),
        (error) => {
          assert.equal(error.name, 'IpcError')
          assert.equal(error.code, code, error.message)
          assert.match(error.message, expected)
          assert(error.message.includes(dir), error.message)
          return true
        }
      )
      const options = { dir, websocket: { port: 0 } }
      const shield = IpcFactory.createHybridTransport(options)
      opened.push(shield)
      await shield.ready()
      const { transport, errors, websocket } = shield.stats()
      assert.deepEqual([transport, errors.shm.code], ['websocket', code])
      const { url, tokenFile } = {
        url: websocket.url,
        tokenFile: websocket.discoveryFile
      }
      const client = await IpcFactory.createClient({
        dir,
        from: 'oldest',
        websocket: { url, tokenFile }
      })
      opened.push(client)
      shield.writeThreat(threat('served'))
      assert.equal((await collect(client, 1))[0].details, 'served')
      assert.equal(client.stats().transport, 'websocket')
    })
  }
})
