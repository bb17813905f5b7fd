'use strict'
// npm run test:arm64: Node for arm64, under qemu's emulation of a process, with
// the addon that the tarball has for linux-arm64, runs the suite of the
// shared-memory transport. Says nothing about the weak order of a real ARM's
// memory: npm run model does. Arguments go to mocha, or are other test files.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { fetchPackage } = require('../../../native/tools/prebuild/packages.js')
const { copyClone } = require('../../tools/copy-clone.js')
const { installPackages } = require('../../tools/debian.js')

const ROOT = path.join(__dirname, '..', '..', '..')
const QEMU = 'qemu-aarch64'
const LIBRARIES = '/usr/aarch64-linux-gnu'
const PACKAGES = ['qemu-user', 'libc6-arm64-cross']
const MORE = ['libstdc++6-arm64-cross', 'libatomic1-arm64-cross']
const NEEDED = ['package.json', '.mocharc.json', 'lib', 'prebuilds', 'test']

// The emulator's own: what every process that is started runs first, so that
// the ones which it starts are emulated, too.
const AS_WRAPPER = `'use strict'
process.execPath = process.env.KG_ARM64_NODE
`

const quiet = { stdio: ['ignore', 'ignore', 'inherit'] }

/** Installs Debian's emulator and libraries where they are missing. */
function installEmulator() {
  const has = spawnSync(QEMU, ['--version'], { stdio: 'ignore' }).status === 0
  const files = ['libc.so.6', 'libstdc++.so.6', 'libatomic.so.1']
  const all = files.every((file) =>
    fs.existsSync(path.join(LIBRARIES, 'lib', file))
  )
  if (has && all) return
  installPackages([...PACKAGES, ...MORE])
}

/** A program in `dir` that is Node for arm64. */
function makeNode(dir) {
  const real = path.join(
    fetchPackage('node-arm64', path.join(ROOT, '.cache')),
    'bin',
    'node'
  )
  const node = path.join(dir, 'node')
  const preload = path.join(dir, 'as-wrapper.js')
  fs.writeFileSync(preload, AS_WRAPPER)
  fs.writeFileSync(
    node,
    `#!/bin/sh
export KG_ARM64_NODE='${node}'
exec ${QEMU} -L ${LIBRARIES} '${real}' --require '${preload}' "$@"
`,
    { mode: 0o755 }
  )
  return node
}

function main(args) {
  installEmulator()
  execFileSync('npm', ['run', '--silent', 'prebuild', '--', 'linux-arm64'], {
    ...quiet,
    cwd: ROOT
  })
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-arm64-'))
  try {
    const node = makeNode(work)
    const dir = path.join(work, 'package')
    fs.mkdirSync(dir)
    copyClone(dir, NEEDED)
    const is = execFileSync(
      node,
      ['-p', "process.arch + ' ' + require('.').PlatformShm.checksumMethod()"],
      { cwd: dir, encoding: 'utf8' }
    ).trim()
    console.log(`Node for ${is}`)
    if (!is.startsWith('arm64 ')) throw new Error('that is not for arm64')
    const isFile = args.some((argument) => argument.endsWith('.test.js'))
    const files = isFile ? [] : ['test/shm/transport.shm.test.js']
    const mocha = [
      ...['node_modules/mocha/bin/mocha.js', '--timeout', '300000'],
      ...['--forbid-pending', '--fail-zero', '--reporter', 'test/reporter.js']
    ]
    return spawnSync(node, [...mocha, ...args, ...files], {
      cwd: dir,
      stdio: 'inherit',
      env: { ...process.env, KG_TEST_PATIENT: '1' }
    }).status
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2)) ?? 1
