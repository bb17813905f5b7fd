'use strict'
// The package that is measured, by its public API: this clone's, unless the
// run names another state's folder.

module.exports = require(process.env.KG_BENCH_PACKAGE ?? '..')
