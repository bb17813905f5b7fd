'use strict'
// Fails when a comment in native/ names a label of the protocol, such as W1,
// that is no step of the model in test/model/: nobody would have checked it.

const fs = require('node:fs')
const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
const NATIVE = path.join(ROOT, 'native')
const STEPS = path.join(ROOT, 'test', 'model', 'steps.h')

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/g
const LABEL = /\b[A-Z][1-9]\b/g
// The JavaScript engine.
const NOT_LABELS = new Set(['V8'])

function sourcesBelow(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name)
    if (entry.isDirectory()) return sourcesBelow(name)
    return /\.(c|cc|h)$/.test(entry.name) ? [name] : []
  })
}

function stepsOfModel() {
  const text = fs.readFileSync(STEPS, 'utf8')
  const steps = [...text.matchAll(/^ {2}X\((\w+),/gm)].map(([, name]) => name)
  if (steps.length === 0) throw new Error(`${STEPS} lists no steps`)
  return new Set(steps)
}

/** @returns {{ label: string, place: string }[]} the place: file and line */
function missingLabels() {
  const known = stepsOfModel()
  const missing = []
  for (const file of sourcesBelow(NATIVE)) {
    const text = fs.readFileSync(file, 'utf8')
    for (const comment of text.matchAll(COMMENT)) {
      for (const found of comment[0].matchAll(LABEL)) {
        const label = found[0]
        if (known.has(label) || NOT_LABELS.has(label)) continue
        const before = text.slice(0, comment.index + found.index)
        const line = before.split('\n').length
        missing.push({ label, place: `${path.relative(ROOT, file)}:${line}` })
      }
    }
  }
  return missing
}

if (require.main === module) {
  for (const { label, place } of missingLabels()) {
    console.error(`${place}: ${label} is no step of test/model/steps.h`)
    process.exitCode = 1
  }
}

module.exports = { missingLabels }
