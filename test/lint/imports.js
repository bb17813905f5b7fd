'use strict'
// Who may require whom in lib/: each folder only those below it, and itself; and
// what a client may not reach, whose bundle has all that it reaches. Prints what
// breaks a rule and ends with 1.

const fs = require('node:fs')
const path = require('node:path')

const LIB = path.join(__dirname, '..', '..', 'lib')

// From the bottom up. Folders of one line never require each other.
const LAYERS = [
  ['base'],
  ['threat'],
  ['options'],
  ['stream'],
  ['shm', 'websocket'],
  ['shield', 'client'],
  ['client-entry.js', 'shield-entry.js'],
  ['client-entry.mjs', 'shield-entry.mjs', 'factory.js'],
  ['benchmark'],
  ['index.js'],
  ['index.mjs', 'cli']
]
const ADDON = path.join('shm', 'addon.js')
// Beside shm/, only the lock of a Shield without a ring needs the addon.
const LOADS_ADDON = path.join('shield', 'ring.js')

const CLIENT = 'client-entry.js'
// Of folders that both ends use, what a Shield alone needs.
const SHIELDS = [
  'base/json.js',
  'base/private-directory.js',
  'options/batch.js',
  'options/file.js',
  'threat/check.js',
  'threat/deflate.js',
  'websocket/messages.js',
  'websocket/server/'
].map(path.normalize)

const levelOf = (room) => LAYERS.findIndex((layer) => layer.includes(room))
const roomOf = (file) => file.split(path.sep)[0]

function faultOf(file, target) {
  const [from, to] = [roomOf(file), roomOf(target)]
  if (levelOf(to) < 0) return 'is in no layer'
  if (!fs.existsSync(path.join(LIB, target))) return 'is no file'
  if (from !== to && levelOf(to) >= levelOf(from)) return 'is not below it'
  const mayLoad = from === 'shm' || file === LOADS_ADDON
  return target === ADDON && !mayLoad ? 'is for shm/ alone' : null
}

/** The files of lib/ that one of them requires, at once or later. */
function importsOf(file) {
  const source = fs.readFileSync(path.join(LIB, file), 'utf8')
  return [...source.matchAll(/(?:require\(|from )'(\.[^']*)'/g)]
    .map(([, name]) => path.relative(LIB, path.join(LIB, file, '..', name)))
    .filter((target) => !target.startsWith('..'))
}

function faultsOf(file) {
  return importsOf(file).flatMap((target) => {
    const fault = faultOf(file, target)
    return fault === null ? [] : [`lib/${file}: lib/${target} ${fault}`]
  })
}

/** From a client's entry to a Shield's file, each on the way. */
function waysToShield(file, way = [], seen = new Set()) {
  if (SHIELDS.some((name) => file.startsWith(name))) {
    return [`lib/${[...way, file].join(' > lib/')} is a Shield's`]
  }
  if (seen.has(file) || !/\.m?js$/.test(file)) return []
  seen.add(file)
  return importsOf(file).flatMap((target) =>
    waysToShield(target, [...way, file], seen)
  )
}

const faults = fs
  .readdirSync(LIB, { recursive: true })
  .filter((file) => /\.m?js$/.test(file))
  .flatMap(faultsOf)
  .concat(waysToShield(CLIENT))
  .concat(
    SHIELDS.filter((name) => !fs.existsSync(path.join(LIB, name))).map(
      (name) => `lib/${name} is named here and is no file`
    )
  )

for (const fault of faults) console.error(fault)
process.exitCode = faults.length > 0 ? 1 : 0
