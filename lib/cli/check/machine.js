'use strict'
// On what the check runs, as rows for people.

const { createHash } = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { version } = require('../../../package.json')
const { PlatformShm } = require('../../index.js')

const ROOT = path.join(__dirname, '..', '..', '..')

// Of process.versions, what runs JavaScript here, and what the addon calls.
const RUNTIMES = ['electron', 'bun', 'deno', 'node', 'napi', 'uv']

/** The addon that was loaded, with its sum, or why none was. */
function describeAddon() {
  const file = Object.keys(require.cache).find(
    (name) => name.endsWith('.node') && name.startsWith(ROOT)
  )
  if (file === undefined) return 'none'
  const sum = createHash('sha256').update(fs.readFileSync(file)).digest('hex')
  return `${path.relative(ROOT, file)}, sha256 ${sum}`
}

/** What an installation's own addon is, or the words of an error. */
function attempt(call) {
  try {
    return call()
  } catch (error) {
    return error.message
  }
}

/** @returns {[string, string][]} names and values */
function describeMachine() {
  const runtimes = RUNTIMES.filter((name) => process.versions[name])
  const [cpu] = os.cpus()
  return [
    ['package', `kindly-guard-ipc ${version}`],
    ['system', `${os.type()} ${os.release()}, ${process.arch}`],
    ['runtime', runtimes.map((n) => `${n} ${process.versions[n]}`).join(', ')],
    ['processor', `${os.cpus().length} of ${cpu?.model.trim() ?? 'unknown'}`],
    ['addon', attempt(describeAddon)],
    ['shared memory', PlatformShm.unavailableReason() ?? 'available'],
    ['directory', attempt(() => PlatformShm.directory())],
    ['checksums', attempt(() => PlatformShm.checksumMethod())],
    ['date', new Date().toISOString()]
  ]
}

module.exports = { attempt, describeAddon, describeMachine, ROOT }
