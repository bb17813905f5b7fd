'use strict'
// npm run test:musl: the C suite, compiled for musl and run with it, and the
// addon that the tarball has for linux-x64-musl, opened by musl's own loader:
// nobody publishes a Node for musl where npm finds it, so a program stands in
// for Node that has the functions which the addon asks it for.
// The last line is `N passed, N failed`.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { installPackages } = require('../../tools/debian.js')

const ROOT = path.join(__dirname, '..', '..', '..')
const ADDON = path.join(
  ...[ROOT, 'prebuilds', 'linux-x64-musl', 'kindly_guard_ipc.node']
)
// musl has none of the kernel's headers.
const COMPILER =
  'musl-gcc -idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu'
const NODE_API_VERSION = 8

const quiet = { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] }

function installMusl() {
  if (spawnSync('musl-gcc', ['--version']).status === 0) return
  installPackages(['musl-tools'])
}

/** [passed, failed] of the C suite, which prints what it does. */
function runCSuite() {
  const args = ['-s', '-C', 'test/c', 'BUILD=build/musl', `CC=${COMPILER}`]
  // There is no zlib for musl here.
  args.push('WITHOUT_ZLIB=1')
  const { stdout } = spawnSync('make', [...args, 'check'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  process.stdout.write(stdout)
  const last = /^(\d+) passed, (\d+) failed\n$/m.exec(stdout)
  return last === null ? [0, 1] : [Number(last[1]), Number(last[2])]
}

/** A program with all that the addon wants of Node, which opens it. */
const hostOf = (functions) => `#include <dlfcn.h>
#include <stdio.h>
${functions.map((name) => `void *${name}(void) { return 0; }`).join('\n')}
int main(int count, char **args) {
  void *addon = dlopen(args[1], RTLD_NOW);
  if (addon == NULL) {
    fprintf(stderr, "%s\\n", dlerror());
    return 1;
  }
  int (*version)(void) = (int (*)(void))dlsym(
      addon, "node_api_module_get_api_version_v1");
  printf("%d\\n", version == NULL ? 0 : version());
  return dlsym(addon, "napi_register_module_v1") == NULL;
}
`

/** Whether musl's loader finds all that the addon wants of it. */
function opens(dir) {
  const wanted = execFileSync('nm', ['-D', '--undefined-only', ADDON], {
    encoding: 'utf8'
  })
  const ofNode = wanted.match(/\b(napi|uv)_\w+/g)
  const source = path.join(dir, 'host.c')
  const host = path.join(dir, 'host')
  fs.writeFileSync(source, hostOf([...new Set(ofNode)]))
  execFileSync('musl-gcc', ['-rdynamic', '-w', '-o', host, source], quiet)
  const { status, stdout, stderr } = spawnSync(host, [ADDON], {
    encoding: 'utf8'
  })
  const isOpen = status === 0 && stdout.trim() === String(NODE_API_VERSION)
  console.log(`${isOpen ? 'ok  ' : 'FAIL'} musl opens ${ADDON} ${stderr}`)
  return isOpen
}

function main() {
  installMusl()
  const prebuild = ['run', '--silent', 'prebuild', '--', 'linux-x64-musl']
  execFileSync('npm', prebuild, quiet)
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-musl-'))
  try {
    const [passed, failed] = runCSuite()
    const isOpen = opens(dir)
    const sum = [passed + (isOpen ? 1 : 0), failed + (isOpen ? 0 : 1)]
    console.log(`${sum[0]} passed, ${sum[1]} failed`)
    return sum[1] === 0 ? 0 : 1
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

process.exitCode = main()
