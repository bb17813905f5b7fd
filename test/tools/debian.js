'use strict'
// What some tests need of Debian.

const { execFileSync } = require('node:child_process')

// Another program may be installing.
const WAITS = ['-qq', '-o', 'DPkg::Lock::Timeout=600']

/**
 * Installs packages; fails when they are not to be had.
 * @param {string[]} packages
 */
function installPackages(packages) {
  const quiet = {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  }
  const install = ['install', '-y', '--no-install-recommends']
  execFileSync('apt-get', [...WAITS, 'update'], quiet)
  execFileSync('apt-get', [...WAITS, ...install, ...packages], quiet)
}

module.exports = { installPackages }
