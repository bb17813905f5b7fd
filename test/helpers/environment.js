'use strict'
// What every test runs with, and the processes that it starts: the product
// asserts what only a mistake of its own could break.

process.env.NODE_ENV = 'test'

// Behind each test file: a process of mocha's that takes long to end is killed,
// and would write nothing of what it ran.
if (process.env.NODE_V8_COVERAGE !== undefined) {
  const v8 = require('node:v8')
  exports.mochaHooks = { afterAll: () => v8.takeCoverage() }
}
