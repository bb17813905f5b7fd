'use strict'
// An option that is no more: an old configuration that names it goes on
// working, and is warned.

const assert = require('node:assert/strict')
const path = require('node:path')
const { loadConfig, ShmClient } = require('../../lib/index.js')
const { checkReader } = require('../../lib/options/check.js')
const { loadFrom, useFolder } = require('../helpers/config.js')

/** The warnings that `run` causes. */
async function warningsOf(run) {
  const warnings = []
  const hear = (warning) => warnings.push(warning)
  process.on('warning', hear)
  try {
    run()
    // process.emitWarning() tells in the next tick.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  } finally {
    process.off('warning', hear)
  }
  return warnings
}

describe('pollCpu, which is no more', () => {
  const current = useFolder()

  for (const [where, label, load] of [
    ['an option', 'option pollCpu', () => checkReader({ pollCpu: 1 })],
    [
      'a file',
      'ipc.shm.poll_cpu in ',
      () =>
        loadFrom(
          path.join(current(), 'old.toml'),
          '[ipc.shm]\npoll_cpu = 1\nlatency = "low"\n',
          {}
        )
    ],
    [
      'the environment',
      "the environment's KINDLY_GUARD_IPC_POLL_CPU",
      () => loadConfig(undefined, { KINDLY_GUARD_IPC_POLL_CPU: '1' })
    ]
  ]) {
    it(`${where}: a warning that names it, and no error`, async () => {
      let options
      const warnings = await warningsOf(() => {
        options = load()
      })
      assert.equal(warnings.length, 1)
      const [{ name, code, message }] = warnings
      assert.equal(name, 'DeprecationWarning')
      assert.equal(code, 'KG_REMOVED_OPTION')
      assert(message.startsWith(label), message)
      assert.match(message, /has no effect any more; remove it$/)
      assert(!('pollCpu' in options))
    })
  }

  it('what an error says of the options that exist does not name it', () => {
    assert.throws(
      () => new ShmClient({ spinMicro: 1 }),
      ({ message }) =>
        message.includes('spinMicros') && !message.includes('pollCpu')
    )
    assert.throws(
      () => loadConfig(undefined, { KINDLY_GUARD_IPC_X: '1' }),
      ({ message }) =>
        message.includes('SPIN_MICROS') && !message.includes('POLL_CPU')
    )
  })
})
