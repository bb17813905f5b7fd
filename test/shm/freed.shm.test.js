'use strict'
// What is given back, as /proc tells it, and what the addon does not ask for.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { findHeaders } = require('../../native/tools/node-gyp.js')
const { threat, useRing } = require('../helpers/ring.js')
const { until, within } = require('../helpers/wait.js')

const ROOT = path.join(__dirname, '..', '..')

/** Where node_api.h is: beside this node, or where node-gyp has put it. */
function headers() {
  const cache = path.join(os.homedir(), '.cache', 'node-gyp')
  const prefix = findHeaders() ?? path.join(cache, process.versions.node)
  return path.join(prefix, 'include', 'node')
}

describe('what is given back', () => {
  const current = useRing()
  let ring

  beforeEach(() => {
    ring = current()
  })

  describe('F50 what is unreachable is freed', () => {
    /** Descriptors and threads, before and after `use` was forgotten. */
    async function counts(use) {
      const program = ring.program(
        async (ipc, { dir, source }) => {
          const fs2 = require('node:fs')
          const uses = new Function(`return (${source})`)()
          const turn = () =>
            new Promise((resolve) => {
              setTimeout(resolve, 10)
            })
          const count = () => ({
            // Without the one that counts them.
            files: fs2.readdirSync('/proc/self/fd').length - 1,
            threads: fs2.readdirSync('/proc/self/task').length,
            maps: fs2
              .readFileSync('/proc/self/maps', 'utf8')
              .split('\n')
              .filter((line) => line.includes(dir)).length
          })
          // The first use opens what stays open (event loop, boot id).
          for (let i = 0; i < 3; i++) await uses(ipc, dir)
          // Until nothing goes any more: a thread may take its time to end.
          let before = count()
          for (let same = 0; same < 20; same++) {
            global.gc()
            await turn()
            const now = count()
            if (JSON.stringify(now) !== JSON.stringify(before)) same = 0
            before = now
          }
          for (let i = 0; i < 50; i++) await uses(ipc, dir)
          const most = count()
          let after = count()
          for (let i = 0; i < 500; i++) {
            global.gc()
            await turn()
            after = count()
            if (JSON.stringify(after) === JSON.stringify(before)) break
          }
          console.log(JSON.stringify({ before, most, after }))
          process.exit()
        },
        { source: String(use) },
        { flags: ['--expose-gc'] }
      )
      const { code, stdout, stderr } = await within(program.exited, 'its end')
      assert.deepEqual([code, stderr], [0, ''])
      return JSON.parse(stdout)
    }

    it('clients that are only polled', async () => {
      ring.writer().writeThreat(threat())
      const { before, most, after } = await counts((ipc, dir) => {
        new ipc.ShmClient({ dir, from: 1 }).poll()
      })
      assert(most.files > before.files)
      assert.deepEqual(after, before)
    })

    it('writers', async () => {
      const { before, most, after } = await counts((ipc, dir) => {
        const name = `w${Math.random()}`
        new ipc.SharedMemoryIpc({ dir, name, maxEvents: 16 })
      })
      assert(most.files > before.files)
      assert.deepEqual(after, before)
    })

    it('clients that were closed, at once and while reading', async () => {
      ring.writer().writeThreat(threat())
      const { before, after } = await counts(async (ipc, dir) => {
        const client = new ipc.ShmClient({ dir, from: 1 })
        client.on('threat', () => {})
        await client.pollThreats(() => false)
        const other = new ipc.ShmClient({ dir, from: 1 })
        other.on('threat', () => {})
        await Promise.all([client.close(), other.close()])
      })
      assert.deepEqual(after, before)
    })

    const polledOnes = {
      pollThreats: (ipc, dir) =>
        new ipc.ShmClient({ dir, from: 1 }).pollThreats(() => false),
      'for await': async (ipc, dir) => {
        for await (const one of new ipc.ShmClient({ dir, from: 1 })) {
          if (one) break
        }
      },
      "on('threat')": (ipc, dir) =>
        new Promise((resolve) => {
          const client = new ipc.ShmClient({ dir, from: 1 })
          client.on('threat', () => {
            // Later, when it waits for the next one.
            setTimeout(() => {
              client.removeAllListeners('threat')
              resolve()
            }, 5)
          })
        })
    }
    for (const [name, use] of Object.entries(polledOnes)) {
      it(`clients whose ${name} ended, and their threads`, async () => {
        ring.writer().writeThreat(threat())
        const { before, most, after } = await counts(use)
        assert(most.threads > before.threads)
        assert.deepEqual(after, before)
      })
    }

    const heard = {
      "on('threat')": (client) => client.on('threat', () => console.log('.')),
      pollThreats: (client) => {
        client.pollThreats(() => console.log('.'))
      },
      'for await': async (client) => {
        for await (const one of client) if (one) console.log('.')
      }
    }
    for (const [name, use] of Object.entries(heard)) {
      it(`but not a client with ${name}: it delivers`, async () => {
        const writer = ring.writer()
        const program = ring.program(
          async (ipc, { dir, source }) => {
            const uses = new Function(`return (${source})`)()
            setInterval(() => {}, 1000)
            const forget = () => {
              uses(new ipc.ShmClient({ dir }))
            }
            forget()
            for (let i = 0; i < 20; i++) {
              global.gc()
              await new Promise((resolve) => {
                setTimeout(resolve, 10)
              })
            }
            console.log('ready')
          },
          { source: String(use) },
          { flags: ['--expose-gc'] }
        )
        await until(() => program.stdout.includes('ready'), 'it forgot')
        for (let count = 1; count <= 2; count++) {
          writer.writeThreat(threat())
          await until(
            () => program.stdout.split('.').length === count + 1,
            `event ${count} in a client that nobody holds`
          )
        }
      })
    }

    it('constructors that fail', async () => {
      ring.writer()
      const { before, after } = await counts((ipc, dir) => {
        const fails = [
          () => new ipc.ShmClient({ dir, name: 'none' }),
          () => new ipc.ShmClient({ dir: '/dev/null' }),
          () => new ipc.SharedMemoryIpc({ dir }),
          () => new ipc.SharedMemoryIpc({ dir: '/proc/self' })
        ]
        for (const fail of fails) {
          let failed = false
          try {
            fail()
          } catch {
            failed = true
          }
          if (!failed) throw new Error(`${fail} did not fail`)
        }
      })
      assert.deepEqual(after, before)
    })
  })

  describe('F51 external buffers', () => {
    it('are forbidden when the addon is compiled', () => {
      // What the addon is compiled with.
      const gyp = fs.readFileSync(path.join(ROOT, 'binding.gyp'), 'utf8')
      const [{ defines }] = JSON.parse(gyp).targets
      const flags = [...defines.map((name) => `-D${name}`), `-I${headers()}`]
      const forbidden = '-DNODE_API_NO_EXTERNAL_BUFFERS_ALLOWED'
      const compiles = (name, given) => {
        const source =
          '#include <node_api.h>\n' +
          `void *asked(void) { return (void *)${name}; }\n`
        const { status, stderr } = spawnSync(
          'cc',
          ['-fsyntax-only', '-Werror', ...given, '-x', 'c', '-'],
          { input: source, encoding: 'utf8' }
        )
        assert(status === 0 || stderr.includes(name), stderr)
        return status === 0
      }
      const externals = [
        'napi_create_external_buffer',
        'napi_create_external_arraybuffer'
      ]
      for (const name of externals) {
        assert.equal(compiles(name, flags), false, name)
        // The controls: without that, and another function.
        const others = flags.filter((flag) => flag !== forbidden)
        assert.equal(compiles(name, others), true, name)
      }
      assert.equal(compiles('napi_create_buffer', flags), true)
      // Nor what Node 18 does not have: of version 9, and not of 8.
      const ninth = 'node_api_symbol_for'
      assert.equal(compiles(ninth, flags), false)
      const later = flags.filter((flag) => !flag.includes('NAPI_VERSION'))
      assert.equal(compiles(ninth, [...later, '-DNAPI_VERSION=9']), true)
    })

    it('are not asked for by the addon', () => {
      const file = path.join(ROOT, 'build/Release/kindly_guard_ipc.node')
      const symbols = execFileSync('nm', ['-D', '--undefined-only', file], {
        encoding: 'utf8'
      })
      assert.match(symbols, /\bnapi_create_/)
      assert.doesNotMatch(symbols, /napi_create_external_(array)?buffer/)
      assert.doesNotMatch(symbols, /node_api_create_external_string/)
    })
  })
})
