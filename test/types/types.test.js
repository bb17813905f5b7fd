'use strict'
// The hand-written types are tested like the code: what they promise compiles,
// what they forbid does not, and they name what is really there.

const assert = require('node:assert')
const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const ts = require('typescript')

const DIR = __dirname
const LIB = path.join(__dirname, '..', '..', 'lib')
const DECLARATIONS = path.join(LIB, 'index.d.ts')
const CONSUMERS = ['consumer.cts', 'consumer.mts']
// Of parts of the package, by their names.
const PARTS = {
  'kindly-guard-ipc/client': 'client-entry',
  'kindly-guard-ipc/shield': 'shield-entry'
}
const USERS = [...CONSUMERS, 'parts.cts', 'parts.mts']

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

  /** All that a file declares. `isOwn`: not by `export type *`. */
  function declaredIn(file) {
    const checker = program.getTypeChecker()
    const module = checker.getSymbolAtLocation(program.getSourceFile(file))
    return checker.getExportsOfModule(module).map(({ name, flags }) => ({
      name,
      isValue: (flags & ts.SymbolFlags.Value) !== 0,
      isOwn: module.exports.has(name)
    }))
  }

  before(() => {
    const { fileNames, options } = readConfig()
    program = ts.createProgram([...fileNames, DECLARATIONS], options)
    declared = declaredIn(DECLARATIONS)
  })

  const namesOf = (symbols) => symbols.map(({ name }) => name).sort()
  const declaredValues = () => namesOf(declared.filter((one) => one.isValue))

  it('compile for import and for require, and refuse wrong uses', () => {
    for (const name of USERS) {
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
    const declarations = ['index', ...Object.values(PARTS)].flatMap((name) => [
      `${name}.d.mts`,
      `${name}.d.ts`
    ])
    assert.deepStrictEqual(own, [...USERS, ...declarations].sort())
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

  for (const [name, entry] of Object.entries(PARTS)) {
    it(`declare exactly what ${name} gives, and all other types`, async () => {
      const part = declaredIn(path.join(LIB, `${entry}.d.ts`))
      const values = namesOf(part.filter((one) => one.isOwn))
      const required = require(name)
      assert.deepStrictEqual(Object.keys(required).sort(), values)
      const imported = await import(name)
      assert.deepStrictEqual(
        Object.keys(imported).sort(),
        ['default', ...values].sort()
      )
      for (const value of values) {
        assert.strictEqual(imported[value], required[value], value)
      }
      const names = namesOf(part)
      const isMissing = (one) => !one.isValue && !names.includes(one.name)
      assert.deepStrictEqual(declared.filter(isMissing), [])
    })
  }
})
