'use strict'
// Who may require whom in lib/: each folder only those below it, and itself.
// Prints what breaks the rule and ends with 1.

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

const faults = fs
  .readdirSync(LIB, { recursive: true })
  .filter((file) => /\.m?js$/.test(file))
  .flatMap((file) => {
    const source = fs.readFileSync(path.join(LIB, file), 'utf8')
    const imports = source.matchAll(/(?:require\(|from )'(\.[^']*)'/g)
    return [...imports].flatMap(([, name]) => {
      const target = path.relative(LIB, path.join(LIB, file, '..', name))
      const fault = target.startsWith('..') ? null : faultOf(file, target)
      return fault === null ? [] : [`lib/${file}: lib/${target} ${fault}`]
    })
  })

for (const fault of faults) console.error(fault)
process.exitCode = faults.length > 0 ? 1 : 0
