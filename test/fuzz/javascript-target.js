'use strict'
// The properties of test/**/*.property*.test.js as one target: fast-check makes
// the inputs, for a share of the time each.

const fs = require('node:fs')
const path = require('node:path')
const { findTests } = require('../tools/test-files.js')
const { ROOT, watch } = require('./tools.js')

const LONG = path.join(__dirname, 'long-properties.js')
const PROPERTY = /\.property(\.shm)?\.test\.js$/

/** The properties that a file has: what fast-check is told to assert. */
const count = (file) =>
  fs.readFileSync(path.join(ROOT, file), 'utf8').match(/fc\.assert\(/g).length

class JavaScriptTarget {
  name = 'javascript'

  build() {
    this.files = findTests('test').filter((file) => PROPERTY.test(file))
  }

  /** fast-check shrinks what it finds and prints the seed: nothing is kept. */
  async keep() {}

  fuzz(seconds) {
    const properties = this.files.reduce((sum, file) => sum + count(file), 0)
    return this.#start({
      KG_PROPERTY_SECONDS: String(seconds / properties)
    })
  }

  replay() {
    return this.#start({})
  }

  async #start(env) {
    const mocha = require.resolve('mocha/bin/mocha.js')
    const args = ['--require', LONG, '--reporter', 'spec', ...this.files]
    const { code, output, seconds } = await watch(
      process.execPath,
      [mocha, '--forbid-pending', '--fail-zero', ...args],
      env
    )
    const executions = [...output.matchAll(/^executions: (\d+)$/gm)].reduce(
      (sum, [, runs]) => sum + Number(runs),
      0
    )
    const findings = []
    if (code !== 0) {
      const failed = output.indexOf('failing')
      const what = output.slice(Math.max(0, failed - 5), failed + 2000)
      findings.push({ target: this.name, what })
    }
    return { executions, seconds, findings }
  }
}

module.exports = { JavaScriptTarget }
