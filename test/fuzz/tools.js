'use strict'
// What the targets share: running programs, and places.

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const BUILD = path.join(__dirname, 'build')
const CORPUS = path.join(__dirname, 'corpus')
const FINDINGS = path.join(__dirname, 'findings')
const MEMORY = fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()

const say = (text) => console.log(`fuzz: ${text}`)

/** Runs a program that must end well; returns what it printed. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options
  })
  if (result.error !== undefined) {
    throw new Error(`${command} did not run: ${result.error.message}`)
  }
  if (result.status !== 0) {
    const end = result.signal ?? result.status
    throw new Error(`${command} ${args.join(' ')} ended with ${end}`)
  }
  return result.stdout
}

/**
 * Runs a program to its end, however that is.
 * @returns {Promise<{ code: number | null, signal: string | null,
 *   output: string, seconds: number }>}
 */
function watch(command, args, env = {}) {
  const began = process.hrtime.bigint()
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const seconds = Number(process.hrtime.bigint() - began) / 1e9
      resolve({ code, signal, output, seconds })
    })
  })
}

/** Calls with an empty private directory in memory, which goes afterwards. */
async function withDirectory(action) {
  const dir = fs.mkdtempSync(path.join(MEMORY, 'kindly-guard-fuzz-'))
  try {
    return await action(dir)
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
}

const relative = (file) => path.relative(ROOT, file)

module.exports = {
  BUILD,
  CORPUS,
  FINDINGS,
  relative,
  ROOT,
  run,
  say,
  watch,
  withDirectory
}
