'use strict'
// The hand-written types are tested like the code: what they promise compiles,
// what they forbid does not, and they name what is really there.

const assert = require('node:assert')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')

const DIR = __dirname
const DECLARATIONS = path.join(__dirname, '..', '..', 'lib', 'index.d.ts')
const CONSUMERS = ['consumer.cts', 'consumer.mts']

function readConfig() {
  const file = path.join(DIR, 'tsconfig.json')
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile)
  assert.strictEqual(error, undefined)
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, DIR)
  assert.deepStrictEqual(parsed.errors, [])
  return parsed
}

function format(diagnostics) {
  return ts.formatDiagnostics(diagnostics, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => DIR,
    getNewLine: () => '\n'
  })
}

describe('types', function () {
  // The compiler reads a few hundred files of Node's own types.
  this.timeout(60_000)

  let program
  let declared

  before(() => {
    const { fileNames, options } = readConfig()
    program = ts.createProgram([...fileNames, DECLARATIONS], options)
    const checker = program.getTypeChecker()
    const source = program.getSourceFile(DECLARATIONS)
    declared = checker
      .getExportsOfModule(checker.getSymbolAtLocation(source))
      .map((symbol) => ({
        name: symbol.name,
        isValue: (symbol.flags & ts.SymbolFlags.Value) !== 0
      }))
  })

  function declaredValues() {
    const values = declared.filter(({ isValue }) => isValue)
    return values.map(({ name }) => name).sort()
  }

  it('compile for import and for require, and refuse wrong uses', () => {
    for (const name of CONSUMERS) {
      assert(program.getSourceFile(path.join(DIR, name)), name)
    }
    const diagnostics = ts.getPreEmitDiagnostics(program)
    assert.strictEqual(format(diagnostics), '')
  })

  it('resolve to the declarations that belong to each module system', () => {
    const files = program.getSourceFiles().map(({ fileName }) => fileName)
    const own = files
      .filter((file) => !file.includes('/node_modules/'))
      .map((file) => path.basename(file))
      .sort()
    assert.deepStrictEqual(
      own,
      [...CONSUMERS, 'index.d.mts', 'index.d.ts'].sort()
    )
  })

  it('are all used by both consumers', () => {
    assert(declared.length > 0)
    for (const consumer of CONSUMERS) {
      const text = fs.readFileSync(path.join(DIR, consumer), 'utf8')
      for (const { name } of declared) {
        assert.match(text, new RegExp(`\\b${name}\\b`), consumer)
      }
    }
  })

  it('declare exactly what require() gives', () => {
    const names = Object.keys(require('kindly-guard-ipc')).sort()
    assert.deepStrictEqual(names, declaredValues())
  })

  it('declare exactly what an ES module imports by name', () => {
    const script = path.join(DIR, 'import.mjs')
    const out = execFileSync(process.execPath, [script], { encoding: 'utf8' })
    const { names, same } = JSON.parse(out)
    assert.deepStrictEqual(names, ['default', ...declaredValues()].sort())
    assert.strictEqual(same, true, 'import and require give other objects')
  })
})
