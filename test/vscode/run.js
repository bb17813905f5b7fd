'use strict'
// npm run test:vscode: the example extension in a real editor, code-server, in two
// windows of a headless browser. Arguments go to mocha.

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const {
  CACHE,
  installAll,
  packageExtension,
  packageProbe
} = require('./install.js')

const ROOT = path.join(__dirname, '..', '..')
const LIMIT_MS = '400000'

function main(argv) {
  installAll()
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-vscode-'))
  const counts = process.env.KG_TEST_COUNTS || path.join(work, 'counts')
  try {
    const files = fs
      .readdirSync(__dirname)
      .filter((file) => file.endsWith('.vscode.js'))
      .map((file) => path.join(__dirname, file))
    const { status } = spawnSync(
      process.execPath,
      [
        ...[require.resolve('mocha/bin/mocha.js'), '--timeout', LIMIT_MS],
        ...['--forbid-pending', '--forbid-only', '--fail-zero'],
        ...['--reporter', path.join(__dirname, '..', 'reporter.js')],
        ...argv,
        ...files
      ],
      {
        cwd: ROOT,
        stdio: 'inherit',
        env: {
          ...process.env,
          KG_TEST_COUNTS: counts,
          KG_VSCODE_VSIX: packageExtension(),
          KG_VSCODE_PROBE: packageProbe()
        }
      }
    )
    console.log(`screenshots: ${path.join(CACHE, 'screenshots')}`)
    if (status === 0 && !fs.existsSync(counts)) {
      console.error('test:vscode: the run did not come to its end.')
      return 1
    }
    return status ?? 1
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

process.exitCode = main(process.argv.slice(2))
