'use strict'
// A property that fails under a mistake needs no shorter example of it.

const fc = require('fast-check')

fc.configureGlobal({ endOnFailure: true })
