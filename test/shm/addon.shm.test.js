'use strict'
// Which addon is loaded, and which is refused before it can do harm. Each test
// has a copy of the package with the files that it is about, and looks at it
// from a process of its own: a wrong file ends the process that loads it.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ownTarget } = require('../../lib/shm/addon-file.js')
const { readElf } = require('../../lib/shm/elf.js')
const { version } = require('../../package.json')
const { machO, pe } = require('../helpers/binaries.js')

const ROOT = path.join(__dirname, '..', '..')
const NAME = 'kindly_guard_ipc.node'
const BUILT = path.join('build', 'Release', NAME)
const PREBUILT = path.join('prebuilds', ownTarget(), NAME)
const ADDON = fs.readFileSync(path.join(ROOT, BUILT))

// What each of them says at the end, when it is still alive.
const LOOK = `
const { PlatformShm, SharedMemoryIpc, IpcFactory } = require('./lib')
const reason = PlatformShm.unavailableReason()
if (reason === null) new SharedMemoryIpc({ dir: process.argv[1] }).close()
IpcFactory.createTransport({ dir: process.argv[1], websocket: { port: 0 } })
  .close()
  .then(() => console.log(JSON.stringify({ reason })))
`

/** The bytes with one text in the place of another of the same length. */
function replaced(bytes, from, to) {
  const at = bytes.indexOf(from)
  assert.ok(at >= 0 && from.length === to.length)
  const changed = Buffer.from(bytes)
  changed.write(to, at, 'latin1')
  return changed
}

/** An addon in C that says of itself what it is told to. */
function otherAddon(dir, { layout, nodeApi }) {
  const source = path.join(dir, 'other.c')
  const addon = path.join(dir, 'other.node')
  fs.writeFileSync(
    source,
    `#include <stddef.h>
int napi_create_double(void *, double, void **);
int napi_create_string_utf8(void *, const char *, size_t, void **);
int napi_create_object(void *, void **);
int napi_create_function(void *, const char *, size_t, void *, void *, void **);
int napi_set_named_property(void *, void *, const char *, void *);
static void *nothing(void *env, void *info) { return NULL; }
void *napi_register_module_v1(void *env, void *exports) {
  void *value;
  napi_create_function(env, NULL, 0, (void *)nothing, NULL, &value);
  napi_set_named_property(env, exports, "setErrorFactory", value);
  napi_create_string_utf8(env, "${version}", ${version.length}, &value);
  napi_set_named_property(env, exports, "packageVersion", value);
  napi_create_double(env, ${layout}, &value);
  napi_set_named_property(env, exports, "layoutVersion", value);
  napi_create_double(env, ${nodeApi}, &value);
  napi_set_named_property(env, exports, "nodeApiVersion", value);
  return exports;
}
`
  )
  const compiler = process.env.CC ?? 'cc'
  execFileSync(compiler, ['-shared', '-fPIC', '-w', '-o', addon, source])
  return fs.readFileSync(addon)
}

describe('the native addon', () => {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-addon-'))
    for (const name of ['lib', 'package.json']) {
      fs.cpSync(path.join(ROOT, name), path.join(dir, name), {
        recursive: true
      })
    }
    fs.symlinkSync(
      path.join(ROOT, 'node_modules'),
      path.join(dir, 'node_modules')
    )
  })

  afterEach(() => {
    fs.rmSync(dir, { recursive: true })
  })

  function put(file, bytes) {
    fs.mkdirSync(path.dirname(path.join(dir, file)), { recursive: true })
    fs.writeFileSync(path.join(dir, file), bytes)
  }

  /** Why shared memory is unavailable to a process that has these files. */
  function reasonNow(...execArgv) {
    const ring = path.join(dir, 'ring')
    const result = spawnSync(
      process.execPath,
      [...execArgv, '-e', LOOK, ring],
      {
        cwd: dir,
        encoding: 'utf8'
      }
    )
    assert.equal(result.signal, null, result.stderr)
    assert.equal(result.status, 0, result.stderr)
    return JSON.parse(result.stdout).reason
  }

  it('is what was compiled here, or else what the package carries', () => {
    put(BUILT, ADDON)
    assert.equal(reasonNow(), null)
    fs.renameSync(path.join(dir, 'build'), path.join(dir, 'elsewhere'))
    assert.match(
      reasonNow(),
      /there is no native addon for \S+ in this installation; `npx kindly-guard-ipc build`/
    )
    put(PREBUILT, ADDON)
    assert.equal(reasonNow(), null)
  })

  it('that was compiled here wins over the one that the package carries', () => {
    put(PREBUILT, ADDON)
    put(BUILT, ADDON)
    const loaded = execFileSync(
      process.execPath,
      [
        '-p',
        "require('./lib').PlatformShm; Object.keys(require.cache).filter((file) => file.endsWith('.node')).join()"
      ],
      { cwd: dir, encoding: 'utf8' }
    )
    assert.match(loaded, /build\/Release\/kindly_guard_ipc\.node/)
    assert.doesNotMatch(loaded, /prebuilds/)
  })

  it('is the one of the package where what was compiled here is broken', () => {
    put(PREBUILT, ADDON)
    put(BUILT, ADDON.subarray(0, ADDON.length / 2))
    assert.equal(reasonNow(), null)
  })

  const broken = {
    'the first half of a file': [
      () => ADDON.subarray(0, ADDON.length / 2),
      /build\/Release\/kindly_guard_ipc\.node does not load: it is not whole/
    ],
    'a file without its last byte': [
      () => ADDON.subarray(0, ADDON.length - 1),
      /it is not whole: a part of the file is missing/
    ],
    'a file whose second half was never written': [
      () => Buffer.from(ADDON).fill(0, ADDON.length / 2),
      /it is not whole/
    ],
    'a header alone': [() => ADDON.subarray(0, 64), /it is not whole/],
    'an empty file': [() => Buffer.alloc(0), /is no addon for Linux/],
    'a page of a proxy': [
      () => Buffer.from('<html>404</html>'.repeat(99)),
      /is no addon for Linux \(it has no ELF header\)/
    ],
    'an addon of another processor': [
      () => {
        const bytes = Buffer.from(ADDON)
        bytes.writeUInt16LE(process.arch === 'x64' ? 183 : 62, 18)
        return bytes
      },
      /it is for (arm64|x64), and this process is for (x64|arm64)$/
    ],
    'an addon of a processor without a name': [
      () => {
        const bytes = Buffer.from(ADDON)
        bytes.writeUInt16LE(243, 18)
        return bytes
      },
      /it is for processor 243, and this process is for/
    ],
    'an addon of macOS': [
      () => machO(process.arch),
      /it is for macOS, and this process runs on Linux$/
    ],
    'an addon of Windows': [
      () => pe(process.arch),
      /it is for Windows, and this process runs on Linux$/
    ],
    'an addon of another version': [
      () => replaced(ADDON, `${version}\0`, '9.8.7\0'),
      new RegExp(`it was compiled from version 9.8.7, this is ${version}$`)
    ],
    'an addon of a time when they had no version': [
      () => replaced(ADDON, 'packageVersion\0', 'paxkageVersion\0'),
      /it was compiled from version \(unknown\), this is/
    ],
    'an addon of another layout': [
      () => otherAddon(dir, { layout: 2, nodeApi: 8 }),
      /it was compiled from layout 2 of the ring, this is layout 3$/
    ],
    'an addon of a later Node-API': [
      () => otherAddon(dir, { layout: 3, nodeApi: 99 }),
      /it needs Node-API 99, this process has [0-9]+$/
    ]
  }
  for (const [what, [make, expected]] of Object.entries(broken)) {
    it(`F83 is refused and named: ${what}`, () => {
      put(BUILT, make())
      assert.match(reasonNow(), expected)
    })
  }

  it('F83 is refused and named: an addon of another C library', () => {
    const { needed } = readElf(ADDON)
    const [from, to, expected] = needed.includes('libc.so.6')
      ? ['libc.so.6\0', 'libc.so\0\0\0', /it is for musl, and .* uses glibc$/]
      : ['libc.so\0', 'libc.so.6', /it is for glibc, and .* uses musl$/]
    put(BUILT, replaced(ADDON, from, to))
    assert.match(reasonNow(), expected)
  })

  it('tells what the loader says where the file looks well', () => {
    put(BUILT, replaced(ADDON, 'napi_wrap\0', 'napi_wrxp\0'))
    assert.match(reasonNow(), /does not load: .*napi_wrxp/)
  })

  it('is not there under --no-addons, and this is said', () => {
    put(BUILT, ADDON)
    assert.match(reasonNow('--no-addons'), /does not load: .*addons/)
  })

  it('in a clone that two systems share: what forbids the right file is said', () => {
    put(BUILT, pe('x64'))
    assert.match(reasonNow(), /build.*is for Windows/)
    put(PREBUILT, ADDON)
    assert.match(reasonNow('--no-addons'), /does not load: --no-addons/)
    put(PREBUILT, ADDON.subarray(0, ADDON.length / 2))
    assert.match(reasonNow(), /build.*is for Windows/)
  })
})
