'use strict'
// Fails when native/ breaks its own order: an include that points upwards, or
// a library, a system or a compiler that is named outside its own place.

const fs = require('node:fs')
const path = require('node:path')

const NATIVE = path.join(__dirname, '..', '..', 'native')
// Each includes from itself and from those before it.
const LAYERS = 'include base text platform ring file loop addon'.split(' ')
// What may be named only there.
const PLACES = [
  [/^#include <uv\.h>/, /^(loop|addon)\//],
  [/^#include <(napi|node_api|js_native_api)\.h>/, /^addon\//],
  [/^#.*\b(__linux__|__APPLE__|__unix__|_WIN32)\b/, /^platform\//],
  [/^#.*\b(__GNUC__|__clang__|_MSC_VER)\b/, /^base\//],
  // The ring is told the time and given its memory.
  [/^#include "\.\.\/platform\/(?!cpu\.h")/, /^(?!ring\/)/]
]

function wrongWith(file, line) {
  const included = /^#include "(.+)"/.exec(line)?.[1]
  const target = path.posix.join(path.posix.dirname(file), included ?? '.')
  const [from, to] = [file, target].map((f) => LAYERS.indexOf(f.split('/')[0]))
  if (included !== undefined && !(to >= 0 && to <= from)) return 'upwards'
  const place = PLACES.find(([what]) => what.test(line))
  return place && !place[1].test(file) ? 'not in this place' : undefined
}

for (const layer of LAYERS) {
  for (const name of fs.readdirSync(path.join(NATIVE, layer))) {
    const file = `${layer}/${name}`
    const lines = fs.readFileSync(path.join(NATIVE, file), 'utf8').split('\n')
    lines.forEach((line, i) => {
      const wrong = wrongWith(file, line)
      if (wrong === undefined) return
      console.error(`native/${file}:${i + 1}: ${line} (${wrong})`)
      process.exitCode = 1
    })
  }
}
