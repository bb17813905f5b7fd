'use strict'
// F84 A program that runs JavaScript and has not all that the addon calls: that
// is known before anything is called, for a missing function ends the process.
// Bun itself is run by npm run test:nodes.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Program } = require('../helpers/child.js')
const { ROOT } = require('../helpers/pages.js')
const { threat } = require('../helpers/ring.js')
const { within } = require('../helpers/wait.js')

const ADDON = path.join(ROOT, 'build', 'Release', 'kindly_guard_ipc.node')

/** As in Bun: a Shield and a client where loading an addon ends the process. */
async function useBun(_ipc, { library, dir, sample }) {
  const versions = { ...process.versions, bun: '1.4.5' }
  Object.defineProperty(process, 'versions', { value: versions })
  process.dlopen = () => process.abort()
  const ipc = require(library)
  const shield = ipc.IpcFactory.createHybridTransport({
    dir,
    websocket: { port: 0 }
  })
  await shield.ready()
  const client = await ipc.IpcFactory.createClient({ dir, from: 'oldest' })
  shield.writeThreat(sample)
  await client.pollThreats(({ details }) => {
    const { transport } = client.stats()
    const reason = ipc.PlatformShm.unavailableReason()
    const told = { reason, transport, details }
    process.stdout.write(JSON.stringify(told))
    return false
  })
  await client.close()
  await shield.close()
}

/** A program that has these functions and opens what it is given, finding each
 * function only when it is called, as Node does. */
const hostOf = (functions) => `#include <dlfcn.h>
#include <stdio.h>
${functions.map((name) => `void *${name}(void) { return 0; }`).join('\n')}
int main(int count, char **args) {
  void *addon = dlopen(args[1], RTLD_LAZY);
  if (addon == NULL) {
    fprintf(stderr, "%s\\n", dlerror());
  }
  return addon == NULL;
}
`

describe('a runtime that lacks what the addon calls', () => {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  it('F84 Bun: a reason before an addon is loaded, and WebSocket', async () => {
    const sample = threat('in Bun')
    const library = path.join(ROOT, 'lib', 'index.js')
    const argument = { library, dir, sample }
    const program = new Program(useBun, argument, { bare: true })
    const { code, stdout, stderr } = await within(program.exited, 'its end')
    assert.equal(code, 0, stderr)
    const { reason, transport, details } = JSON.parse(stdout)
    assert.match(reason, /^Bun 1\.4\.5 does not have the functions of libuv/)
    assert.deepEqual([transport, details], ['websocket', sample.details])
  })

  /** Whether the addon opens in a program with these functions. */
  function opensWith(functions) {
    const source = path.join(dir, 'host.c')
    const host = path.join(dir, 'host')
    fs.writeFileSync(source, hostOf(functions))
    const args = ['-rdynamic', '-w', '-o', host, source, '-ldl']
    execFileSync('gcc', args)
    const { status, stderr } = spawnSync(host, [ADDON], { encoding: 'utf8' })
    return { status, stderr }
  }

  it('F84 one function is missing: the addon does not open', () => {
    const wanted = execFileSync('nm', ['-D', '--undefined-only', ADDON], {
      encoding: 'utf8'
    })
    const all = [...new Set(wanted.match(/\b(napi|uv)_\w+/g))]
    assert.deepEqual(opensWith(all), { status: 0, stderr: '' })
    // By which the loop watches a file: another one on each system.
    const watching = all.find((n) => /^uv_(poll|fs_event)_init$/.test(n))
    for (const missing of ['uv_cond_init', watching, 'napi_wrap']) {
      assert(all.includes(missing))
      const { status, stderr } = opensWith(all.filter((n) => n !== missing))
      assert.equal(status, 1)
      assert.match(stderr, new RegExp(`undefined symbol: ${missing}\n$`))
    }
  })
})
