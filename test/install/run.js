'use strict'
// npm run test:install: makes the tarball as a release does, and uses it as
// others would. Everything goes over the registry that npm is configured with,
// into a temporary folder that is removed at the end. `--only bundlers,vscode`
// takes these files alone, as npm run test:bundles does with some; other arguments go to
// mocha.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { installTools } = require('./tools.js')

const ROOT = path.join(__dirname, '..', '..')
const LIMIT_MS = '300000'

/** The tarball of what is compiled from the sources as they are. */
function pack(dir) {
  const quiet = { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] }
  execFileSync('npm', ['run', '--silent', 'prepare'], quiet)
  execFileSync('npm', ['run', '--silent', 'prebuild'], quiet)
  const args = ['pack', '--silent', '--ignore-scripts']
  execFileSync('npm', [...args, '--pack-destination', dir], quiet)
  return path.join(
    dir,
    fs.readdirSync(dir).find((f) => f.endsWith('.tgz'))
  )
}

/**
 * @param {string | undefined} only names, joined by commas
 * @returns {string[]} the test files
 */
function filesOf(only) {
  const all = fs
    .readdirSync(__dirname)
    .filter((file) => file.endsWith('.install.js'))
  const wanted = only?.split(',').map((name) => `${name}.install.js`) ?? all
  const unknown = wanted.filter((file) => !all.includes(file))
  if (unknown.length > 0) throw new Error(`no such file: ${unknown.join()}`)
  return wanted.map((file) => path.join(__dirname, file))
}

function main(argv) {
  const at = argv.indexOf('--only')
  const files = filesOf(at < 0 ? undefined : argv[at + 1])
  const args = at < 0 ? argv : [...argv.slice(0, at), ...argv.slice(at + 2)]
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-install-'))
  const counts = process.env.KG_TEST_COUNTS || path.join(work, 'counts')
  try {
    const env = {
      ...process.env,
      KG_TEST_COUNTS: counts,
      KG_INSTALL_TARBALL: pack(work),
      KG_INSTALL_WORK: work
    }
    installTools(path.join(work, 'tools'))
    const mocha = [
      ...[require.resolve('mocha/bin/mocha.js'), '--timeout', LIMIT_MS],
      ...['--forbid-pending', '--forbid-only', '--fail-zero'],
      ...['--reporter', path.join(__dirname, '..', 'reporter.js')]
    ]
    fs.rmSync(counts, { force: true })
    const { status } = spawnSync(
      process.execPath,
      [...mocha, ...args, ...files],
      { cwd: ROOT, env, stdio: 'inherit' }
    )
    if (status === 0 && !fs.existsSync(counts)) {
      console.error('test:install: the run did not come to its end.')
      return 1
    }
    return status ?? 1
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2))
