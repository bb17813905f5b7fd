'use strict'
// Python programs that tests start.

const { execFile, spawn } = require('node:child_process')
const path = require('node:path')
const { ROOT } = require('../tools/test-files.js')

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

const running = new Set()

/** A Python program that runs beside a test, and prints lines of JSON. */
class PythonProgram {
  constructor(args) {
    this.lines = []
    this.stderr = ''
    this.process = spawn('python3', args, {
      env: ENV,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    running.add(this)
    let rest = ''
    this.process.stdout.setEncoding('utf8').on('data', (text) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()
      this.lines.push(...parts.map((line) => JSON.parse(line)))
    })
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.exited = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        running.delete(this)
        resolve(signal ?? code)
      })
    })
  }

  /** @returns {Promise<number | string>} how it ended */
  kill(signal = 'SIGKILL') {
    this.process.kill(signal)
    return this.exited
  }
}

/** Ends those that a test which failed has left. */
const endPython = () => Promise.all([...running].map((one) => one.kill()))

module.exports = { BINDING, endPython, PythonProgram, runPython }
