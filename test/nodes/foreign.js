'use strict'
// The suite in a runtime that is no Node. What cannot pass there stands in
// exceptions.json, by its title and with a reason, and must fail: one that
// passes has no business there.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { findTests, ROOT } = require('../tools/test-files.js')
const EXCEPTIONS = require('./exceptions.json')

const LIMIT_MS = 3_600_000

const foldersOf = (...names) =>
  names
    .flatMap((name) => findTests(path.join('test', name)))
    .filter((file) => !file.endsWith('.shm.test.js'))

const HOW = {
  // What needs no addon, but what is about this clone or about Node itself.
  bun: {
    args: [],
    tests: () => [
      ...foldersOf('base', 'cli', 'client', 'options', 'shield'),
      ...foldersOf('stream', 'threat', 'websocket'),
      ...['test/factory.test.js', 'test/secrets.test.js']
    ]
  },
  // The transports, and what needs neither Node's way to replace its timers nor
  // the details of its errors. `-A` allows all.
  deno: {
    args: ['run', '-A', '--no-lock'],
    tests: () => [
      ...foldersOf('base', 'options', 'stream', 'threat'),
      ...['test/shm/transport.shm.test.js', 'test/factory.test.js'],
      'test/websocket/transport.test.js',
      'test/websocket/transport-port.test.js'
    ]
  }
}

function report(file, kind) {
  const { passes, failures, pending } = JSON.parse(
    fs.readFileSync(file, 'utf8')
  )
  const expected = EXCEPTIONS[kind]
  const failed = failures.map(({ fullTitle }) => fullTitle)
  const wrong = failures.filter(
    (one) => !Object.hasOwn(expected, one.fullTitle)
  )
  for (const { fullTitle, err } of wrong) {
    console.log(`FAILED ${fullTitle}\n  ${err.stack ?? err.message}`)
  }
  const missing = Object.keys(expected).filter(
    (title) => !failed.includes(title)
  )
  missing.forEach((title) => console.log(`should have failed: ${title}`))
  pending.forEach(({ fullTitle }) => console.log(`skipped: ${fullTitle}`))
  const cannot = failed.length - wrong.length
  console.log(`nodes: ${cannot} cannot pass in ${kind}, see exceptions.json`)
  return [passes.length, wrong.length + missing.length + pending.length]
}

/**
 * @param {'bun' | 'deno'} kind
 * @param {string} program
 * @param {string} work a folder for what is written
 * @param {string[]} more arguments of mocha
 * @returns {[number, number]} passed, failed
 */
function runForeign(kind, program, work, more) {
  const output = path.join(work, `${kind}.json`)
  const { args, tests } = HOW[kind]
  const { status, signal } = spawnSync(
    program,
    [
      ...args,
      require.resolve('mocha/bin/mocha.js'),
      ...['--reporter', 'json', '--reporter-option', `output=${output}`],
      ...more,
      ...tests()
    ],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: LIMIT_MS
    }
  )
  if (!fs.existsSync(output)) {
    console.log(`nodes: ${kind} ended by ${signal ?? status}, too early`)
    return [0, 1]
  }
  return report(output, kind)
}

module.exports = { runForeign }
