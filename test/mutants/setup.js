'use strict'
// What the tests run with while mistakes are put in.

const fc = require('fast-check')

// A property that fails under a mistake needs no shorter example of it.
fc.configureGlobal({ endOnFailure: true })

const turn = () => new Promise(setImmediate)

// What a mistake throws in a later turn belongs to the test that made it: behind
// the last one it would end the process, and cost a new one.
exports.mochaHooks = {
  async afterEach() {
    await turn()
    await turn()
  }
}
