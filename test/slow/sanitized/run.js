'use strict'
// npm run test:sanitized: compiles the addon with the address and the
// undefined-behaviour sanitizer, beside the clone, and runs scenario.js with it
// in Node. Ends with 1 at the first finding. Needs gcc, as npm ci does.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { copyClone } = require('../../tools/copy-clone.js')
const { ROOT } = require('../../tools/test-files.js')

// What the addon is made of, and what uses it.
const NEEDED = ['binding.gyp', 'package.json', 'native', 'lib']
const FLAGS =
  '-fsanitize=address,undefined -fno-sanitize-recover=all ' +
  '-fno-omit-frame-pointer -g -O1'

const say = (text) => console.log(`sanitized: ${text}`)

function compile(dir) {
  const { status } = spawnSync(
    process.execPath,
    [path.join(ROOT, 'native', 'tools', 'build.js'), dir],
    {
      stdio: 'inherit',
      env: { ...process.env, CFLAGS: FLAGS, CXXFLAGS: FLAGS, LDFLAGS: FLAGS }
    }
  )
  const addon = path.join(dir, 'build', 'Release', 'kindly_guard_ipc.node')
  if (status !== 0 || !fs.readFileSync(addon).includes('__asan_report')) {
    throw new Error('the addon was not compiled with its sanitizers')
  }
}

/** The libraries that must be there before everything else. */
function preloaded() {
  const find = (name) =>
    execFileSync('gcc', [`-print-file-name=${name}`], {
      encoding: 'utf8'
    }).trim()
  return ['libasan.so', 'libubsan.so'].map(find).join(':')
}

function main() {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-sanitized-'))
  try {
    copyClone(dir, NEEDED)
    compile(dir)
    const { status, signal } = spawnSync(
      process.execPath,
      ['--expose-gc', path.join(__dirname, 'scenario.js'), dir],
      {
        stdio: 'inherit',
        env: {
          ...process.env,
          LD_PRELOAD: preloaded(),
          // Node and V8 leave much for the process's end to free: what leaks
          // in the C core, the C tests find. An allocation that fails is
          // nothing new to V8, which asks for more than there is.
          ASAN_OPTIONS:
            'detect_leaks=0:allocator_may_return_null=1:' +
            'detect_stack_use_after_return=1:abort_on_error=0',
          UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1'
        }
      }
    )
    if (status !== 0) {
      say(`failed (${signal ?? status})`)
    }
    return status === 0 ? 0 : 1
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

process.exitCode = main()
