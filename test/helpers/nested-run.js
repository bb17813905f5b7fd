'use strict'
// Runs test/run.js on test files that are written for it.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const RUN = path.join(__dirname, '..', 'run.js')

/**
 * In a `describe`: a function that runs test files, side by side when there
 * are several.
 * @returns {(args: string[], ...sources: string[]) => { passes: boolean,
 *   counted: string | null, said: string }} `counted` is null when the run did
 *   not come to its end, `said` is what it printed
 */
function useRun() {
  let dir

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-test-'))
  })

  afterEach(() => fs.rmSync(dir, { recursive: true, force: true }))

  return (args, ...sources) => {
    const counts = path.join(dir, 'counts')
    const files = sources.map((source, i) => {
      const file = path.join(dir, `${i}.test.js`)
      fs.writeFileSync(file, source)
      return file
    })
    fs.rmSync(counts, { force: true })
    // Without the addon: the C tests are not built for this.
    const env = { KINDLY_GUARD_IPC_NO_NATIVE: '1', KG_TEST_COUNTS: counts }
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [RUN, ...args, ...files],
      { env: { ...process.env, ...env }, encoding: 'utf8' }
    )
    const counted = fs.existsSync(counts)
      ? fs.readFileSync(counts, 'utf8').split('\n')[0]
      : null
    return { passes: status === 0, counted, said: stdout + stderr }
  }
}

module.exports = { useRun }
