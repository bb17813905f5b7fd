'use strict'
// Compiles what the benchmarks run: before tests that run several of them side
// by side, each of which would compile it otherwise. What the machine lacks
// for it is no fault here; whoever needs that says so.

const { buildPrograms } = require('./programs.js')

buildPrograms([])
