'use strict'
// Where the tests stand, for what runs them and for what lists them.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')

/** How many things are done side by side. */
const CPUS = os.cpus().length

/** make's arguments that build the C tests, for ROOT as working directory. */
const MAKE_C_TESTS = ['-s', `-j${CPUS}`, '-C', path.join('test', 'c')]

/** The test files in a folder of ROOT and those below it, relative to ROOT. */
function findTests(folder) {
  const entries = fs.readdirSync(path.join(ROOT, folder), {
    withFileTypes: true
  })
  entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) return findTests(file)
    return entry.name.endsWith('.test.js') ? [file] : []
  })
}

/** Those that take longest, by `npm test -- --slow`: what begins last must not
 * be what ends last. */
const LONGEST = [
  'test/tools/run-ends.test.js',
  'test/cli/bridge.shm.test.js',
  'test/docs/blocks.shm.test.js',
  'test/c/c.shm.test.js',
  'test/slow/switches.shm.test.js',
  'test/benchmark/tails.shm.test.js',
  'test/cli/top.shm.test.js',
  'test/websocket/transport-port.test.js',
  'test/cli/unread.shm.test.js',
  'test/shm/forged-numbers.shm.test.js',
  'test/websocket/transport.test.js',
  'test/cli/cli.shm.test.js',
  'test/tools/run.test.js',
  'test/shm/workers.shm.test.js',
  'test/benchmark/bench.shm.test.js',
  'test/c/text.shm.test.js',
  'test/slow/hostile-handshakes.test.js',
  'test/shm/transport.shm.test.js',
  'test/cli/tail.shm.test.js',
  'test/shm/reliable.shm.test.js',
  'test/cli/doctor/doctor.shm.test.js',
  'test/shm/lock.shm.test.js',
  'test/websocket/server/evicted.test.js',
  'test/factory.test.js',
  'test/client/restart.test.js',
  'test/slow/soak.shm.test.js',
  'test/slow/reloads.test.js',
  'test/benchmark/benchmark.shm.test.js',
  'test/client/failover.shm.test.js',
  'test/slow/mutator.shm.test.js',
  'test/c/vectors.shm.test.js',
  'test/shm/wake-file.shm.test.js',
  'test/websocket/server/handshake.test.js',
  'test/shm/hostile-slots.shm.test.js',
  'test/websocket/client/lies-messages.test.js',
  'test/threat/size.shm.test.js',
  'test/shm/freed.shm.test.js',
  'test/shm/wakers.shm.test.js',
  'test/websocket/client/lies-end.test.js',
  'test/shm/addon.shm.test.js',
  'test/shield/single-instance.test.js',
  'test/cli/check.test.js',
  'test/websocket/client/proxy.test.js',
  'test/slow/stress.shm.test.js'
].map((file) => path.normalize(file))

/** The same files, the longest first. */
function longestFirst(files) {
  for (const file of LONGEST) fs.accessSync(path.join(ROOT, file))
  return [
    ...LONGEST.filter((file) => files.includes(file)),
    ...files.filter((file) => !LONGEST.includes(file))
  ]
}

module.exports = { CPUS, findTests, longestFirst, MAKE_C_TESTS, ROOT }
