'use strict'
// Python programs that tests start.

const { execFile } = require('node:child_process')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')
const { Program, Programs } = require('./program.js')

const BINDING = path.join(ROOT, 'bindings', 'python')

// No files of compiled code beside the sources.
const ENV = {
  ...process.env,
  PYTHONPATH: BINDING,
  PYTHONDONTWRITEBYTECODE: '1',
  PYTHONUNBUFFERED: '1'
}

/** @returns {Promise<{ code: number | string, stdout: string,
 *   stderr: string }>} of a Python program that ran to its end */
function runPython(args, options = {}) {
  return new Promise((resolve) => {
    const all = { env: ENV, maxBuffer: 2 ** 28, ...options }
    execFile('python3', args, all, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.signal ?? error.code)
      resolve({ code, stdout, stderr })
    })
  })
}

const programs = new Programs()

/** A Python program that runs beside a test, and prints lines of JSON. */
const startPython = (args) =>
  programs.keep(new Program('python3', args, { env: ENV }))

/** Ends those that a test which failed has left. */
const endPython = () => programs.endAll()

module.exports = { BINDING, endPython, startPython, runPython }
