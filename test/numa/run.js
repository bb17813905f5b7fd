'use strict'
// npm run test:numa: rings on a machine with two NUMA nodes, which qemu
// emulates: Debian's kernel, and as its first process init.c, which runs
// test_nodes.c. Installs qemu and takes the kernel from Debian's packages, into
// .cache/. Takes a minute. The last line is `N passed, N failed`.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const zlib = require('node:zlib')
const { installPackages } = require('../tools/debian.js')

const ROOT = path.join(__dirname, '..', '..')
const CACHE = path.join(ROOT, '.cache', 'numa')
const QEMU = 'qemu-system-x86_64'
// It depends on the package with the kernel of the day.
const KERNEL = 'linux-image-cloud-amd64'
const SECONDS = 300
const NODE_MIB = 256
const HUGE_PAGES = 8

const quiet = { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] }

function installQemu() {
  const has = spawnSync(QEMU, ['--version']).status === 0
  // The kernel is found in apt's lists, which this brings as well.
  if (has && fs.existsSync(path.join(CACHE, 'boot'))) return
  installPackages(['qemu-system-x86'])
}

/** The path of a kernel, which is not installed here. */
function fetchKernel() {
  const folder = path.join(CACHE, 'boot')
  const find = () =>
    fs.existsSync(folder)
      ? fs.readdirSync(folder).find((name) => name.startsWith('vmlinuz'))
      : undefined
  if (find() === undefined) {
    fs.mkdirSync(CACHE, { recursive: true })
    const said = execFileSync('apt-cache', ['depends', KERNEL], {
      encoding: 'utf8'
    })
    const [, name] = /Depends: (linux-image-\S+)/.exec(said)
    execFileSync('apt-get', ['download', '-qq', name], { ...quiet, cwd: CACHE })
    const file = fs.readdirSync(CACHE).find((one) => one.endsWith('.deb'))
    execFileSync('dpkg-deb', ['-x', file, '.'], { ...quiet, cwd: CACHE })
  }
  return path.join(folder, find())
}

const sourcesIn = (folder, test = () => true) =>
  fs
    .readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.c') && test(name))
    .map((name) => path.join(folder, name))

/** Compiles a program that needs no library. The linker warns of what looks for
 * a home, which no test does, so it is heard only when it fails. */
function compile(program, sources) {
  const args = ['-std=c11', '-D_GNU_SOURCE', '-O1', '-static', '-pthread', '-w']
  const options = { cwd: ROOT, stdio: 'pipe', encoding: 'utf8' }
  execFileSync('gcc', [...args, '-o', program, ...sources], options)
}

function compileTests(program) {
  compile(program, [
    ...['base', 'text', 'ring', 'file'].flatMap((layer) =>
      sourcesIn(`native/${layer}`)
    ),
    ...sourcesIn('native/platform', (name) => /^(linux|posix)/.test(name)),
    ...['check.c', 'fixture.c', 'file_fixture.c', 'system/system_posix.c'].map(
      (name) => `test/c/${name}`
    ),
    'test/numa/test_nodes.c'
  ])
}

/** A cpio archive ("newc") of programs, texts and folders in the root. */
function archiveOf(files) {
  const parts = []
  const put = (bytes) => {
    parts.push(bytes, Buffer.alloc(-bytes.length & 3))
  }
  const add = (name, mode, content, index) => {
    const fields = [index, mode, 0, 0, 1, 0, content.length]
    const rest = [0, 0, 0, 0, name.length + 1, 0]
    const hex = [...fields, ...rest].map((number) =>
      number.toString(16).padStart(8, '0')
    )
    put(Buffer.from(`070701${hex.join('')}${name}\0`))
    put(content)
  }
  Object.entries(files).forEach(([name, content], index) =>
    content === null
      ? add(name, 0o40755, Buffer.alloc(0), index + 1)
      : add(name, 0o100755, content, index + 1)
  )
  add('TRAILER!!!', 0, Buffer.alloc(0), 0)
  return zlib.gzipSync(Buffer.concat(parts))
}

/** Runs the machine until it switches itself off. @returns what it printed */
function boot(kernel, initrd) {
  const nodes = [0, 1].flatMap((node) => [
    ...['-object', `memory-backend-ram,id=m${node},size=${NODE_MIB}M`],
    ...['-numa', `node,nodeid=${node},cpus=${node},memdev=m${node}`]
  ])
  const { stdout, error } = spawnSync(
    QEMU,
    [
      ...['-machine', 'q35', '-accel', 'tcg', '-cpu', 'max', '-smp', '2'],
      ...['-m', `${2 * NODE_MIB}M`, ...nodes],
      ...['-kernel', kernel, '-initrd', initrd, '-no-reboot', '-nographic'],
      '-append',
      `console=ttyS0 quiet panic=-1 hugepages=${HUGE_PAGES}`
    ],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: SECONDS * 1000
    }
  )
  if (error) console.error(`numa: ${error.message}`)
  return stdout.replaceAll('\r', '')
}

function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-numa-'))
  const at = (name) => path.join(dir, name)
  try {
    installQemu()
    const kernel = fetchKernel()
    compile(at('init'), ['test/numa/init.c'])
    compileTests(at('test'))
    const archive = archiveOf({
      dev: null,
      init: fs.readFileSync(at('init')),
      test: fs.readFileSync(at('test')),
      titles: execFileSync(at('test'), ['--list'])
    })
    fs.writeFileSync(at('initrd'), archive)
    const printed = boot(kernel, at('initrd'))
    // What firmware prints in front of it moves the cursor about.
    const from = printed.search(/^(ok {2}|FAIL|\S+:\d+:)/m)
    const last = /^(\d+) passed, (\d+) failed\n/m.exec(printed)
    // And not what the kernel says when it is switched off.
    const to = last === null ? Infinity : last.index + last[0].length
    process.stdout.write(printed.slice(Math.max(from, 0), to))
    if (last === null || last[1] === '0' || last[2] !== '0') {
      process.exitCode = 1
    }
    if (last === null) console.log('0 passed, 1 failed')
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

main()
