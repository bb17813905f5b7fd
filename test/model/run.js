'use strict'
// What `npm run model` runs: compiles the model, checks that it has every
// label that native/ names, and runs it. Arguments go to the model as they are,
// such as --all, --traces or the name of a part.

const { spawnSync } = require('node:child_process')
const path = require('node:path')

const { missingLabels } = require('../lint/labels.js')

const FOLDER = path.relative(process.cwd(), __dirname) || '.'

function run(command, args) {
  const result = spawnSync(command, args, { stdio: 'inherit' })
  if (result.error) {
    console.error(`model: ${command} did not run: ${result.error.message}.`)
    return 1
  }
  if (result.signal) {
    console.error(`model: ${command} was ended by ${result.signal}.`)
    return 1
  }
  return result.status
}

function main(argv) {
  if (run('make', ['-s', '-C', FOLDER]) !== 0) {
    console.error('model: it did not compile, so nothing was run.')
    return 1
  }
  const missing = missingLabels()
  for (const { label, place } of missing) {
    console.error(`model: ${place} names ${label}, which is no step of it.`)
  }
  const status = run(path.join(__dirname, 'build', 'model'), argv)
  return status === 0 && missing.length > 0 ? 1 : status
}

process.exitCode = main(process.argv.slice(2))
