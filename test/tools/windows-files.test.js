'use strict'
// What npm run test:windows is to run, without Windows: an exception for a file
// that is not there would keep the whole run from beginning.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT } = require('./test-files.js')
const { listFiles } = require('../windows/javascript.js')

describe('the tests that run on Windows', () => {
  it('are there, and exceptions name files that are', () => {
    const files = listFiles()
    assert(files.includes(path.join('test', 'factory.test.js')))
    for (const file of files) fs.accessSync(path.join(ROOT, file))
  })
})
