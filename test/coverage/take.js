'use strict'
// Given to mocha: writes what was run behind each test file. A process of mocha's
// that takes long to end is killed, and would write nothing then.

const v8 = require('node:v8')

exports.mochaHooks = { afterAll: () => v8.takeCoverage() }
