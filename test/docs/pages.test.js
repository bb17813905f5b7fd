'use strict'
// The documentation as text: its links lead somewhere, what it says about
// commands and options is so, and its TypeScript compiles. Needs no addon.

const assert = require('node:assert')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const ts = require('typescript')
const { loadConfig } = require('kindly-guard-ipc')
const { readAnchors, readBlocks, readLinks } = require('../helpers/markdown.js')
const {
  allPages,
  readPage,
  ROOT,
  shownBlocks,
  shownPages
} = require('../helpers/pages.js')

const README_LINES = 220
const README_COLUMNS = 120

const of = (...languages) =>
  shownBlocks().filter(({ language }) => languages.includes(language))

const whereOf = ({ page, line }) => `${page}:${line}`

/** What is wrong with the links of a page, one line for each. */
function brokenLinks(page) {
  const broken = []
  for (const link of readLinks(readPage(page))) {
    if (/^[a-z]+:/.test(link)) continue
    const [file, anchor] = link.split('#')
    const target = file === '' ? page : path.join(path.dirname(page), file)
    if (!fs.existsSync(path.join(ROOT, target))) {
      broken.push(`${page}: ${link}: there is no ${target}`)
    } else if (
      anchor !== undefined &&
      !readAnchors(readPage(target)).has(anchor)
    ) {
      broken.push(`${page}: ${link}: ${target} has no such heading`)
    }
  }
  return broken
}

describe('documentation', () => {
  it('is read by the tests as it is by people', () => {
    const source = [
      '# A `b` (c) — d!',
      '## Twice',
      '## Twice',
      '[a](x.md#b) `[no](link)` [c](#d)',
      '<!-- run: with a Shield, until "x, y" -->',
      '',
      '```js',
      '# no heading, [no](link)',
      '```',
      '<!-- not run: sudo -->',
      '```sh',
      '```',
      ''
    ].join('\n')
    assert.deepStrictEqual(
      [...readAnchors(source)],
      ['a-b-c--d', 'twice', 'twice-1']
    )
    assert.deepStrictEqual(readLinks(source), ['x.md#b', '#d'])
    assert.deepStrictEqual(readBlocks('p', source), [
      {
        page: 'p',
        line: 8,
        language: 'js',
        text: '# no heading, [no](link)\n',
        notRun: null,
        hints: { shield: true, clone: false, until: 'x, y' }
      },
      {
        page: 'p',
        line: 12,
        language: 'sh',
        text: '',
        notRun: 'sudo',
        hints: { shield: false, clone: false }
      }
    ])
    for (const comment of [
      'not run: -->',
      'not run: later -->',
      'run: x -->'
    ]) {
      assert.throws(() => readBlocks('p', `<!-- ${comment}\n\`\`\`\n\`\`\`\n`))
    }
  })

  it('has links that lead to files and headings', () => {
    const pages = allPages()
    assert(pages.includes('README.md'))
    assert.deepStrictEqual(pages.flatMap(brokenLinks), [])
  })

  it('can be reached from the README', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) {
      for (const link of readLinks(readPage(page))) {
        const target = path.join(path.dirname(page), link.split('#')[0])
        if (shownPages().includes(target)) reached.add(target)
      }
    }
    assert.deepStrictEqual([...reached].sort(), shownPages().sort())
  })

  it('has a README that a newcomer reads to its end', () => {
    const lines = readPage('README.md').trimEnd().split('\n')
    assert(lines.length <= README_LINES, `README.md: ${lines.length} lines`)
    const wide = lines.filter((line) => [...line].length > README_COLUMNS)
    assert.deepStrictEqual(wide, [])
  })

  it('has a language for each block, and few that are not run', () => {
    const blocks = shownBlocks()
    const languages = new Set(blocks.map(({ language }) => language))
    assert.deepStrictEqual(
      [...languages].filter(
        (language) => !['c', 'cpp', 'js', 'sh', 'toml', 'ts'].includes(language)
      ),
      []
    )
    const notRun = blocks.filter((block) => block.notRun !== null)
    assert(
      notRun.length * 4 < blocks.length,
      notRun.map((block) => `${whereOf(block)}: ${block.notRun}`).join('\n')
    )
  })

  it('names scripts that there are', () => {
    for (const page of allPages()) {
      // An example that is a package has scripts of its own, too.
      const own = path.join(path.dirname(page), 'package.json')
      const scripts = ['package.json', own]
        .filter((file) => fs.existsSync(path.join(ROOT, file)))
        .map((file) => JSON.parse(readPage(file)).scripts)
        .reduce((all, some) => ({ ...all, ...some }), {})
      const commands = readPage(page).matchAll(/\bnpm run ([a-z][\w:-]*)/g)
      for (const [command, name] of commands) {
        assert(Object.hasOwn(scripts, name), `${page}: ${command}`)
      }
    }
  })

  describe('TOML', () => {
    let dir

    beforeEach(() => {
      dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-docs-'))
    })

    afterEach(() => fs.rmSync(dir, { recursive: true }))

    for (const block of of('toml')) {
      it(`${whereOf(block)} is a configuration`, () => {
        const file = path.join(dir, 'kindly-guard.toml')
        fs.writeFileSync(file, block.text)
        const options = loadConfig(file, {})
        assert(Object.keys(options).length > 0)
      })
    }
  })

  it('has TypeScript that compiles', function () {
    // The compiler reads a few hundred files of Node's own types.
    this.timeout(60_000)
    const config = path.join(ROOT, 'test', 'types', 'tsconfig.json')
    const { options, errors } = ts.parseJsonConfigFileContent(
      ts.readConfigFile(config, ts.sys.readFile).config,
      ts.sys,
      path.dirname(config)
    )
    assert.deepStrictEqual(errors, [])

    // In memory, where the package finds itself by its own name.
    const texts = new Map()
    for (const { page, line, text } of of('ts')) {
      const name = `${path.basename(page, '.md')}-${line}.mts`
      texts.set(path.join(__dirname, name), text)
    }
    assert(texts.size > 0)
    const host = ts.createCompilerHost(options)
    const { fileExists, readFile, getSourceFile } = host
    host.fileExists = (name) => texts.has(name) || fileExists(name)
    host.readFile = (name) => texts.get(name) ?? readFile(name)
    host.getSourceFile = (name, how, ...rest) =>
      texts.has(name)
        ? ts.createSourceFile(name, texts.get(name), how)
        : getSourceFile(name, how, ...rest)
    const program = ts.createProgram(
      [...texts.keys()],
      // The declarations themselves are checked by the tests of the types.
      { ...options, skipLibCheck: true },
      host
    )
    const diagnostics = ts.getPreEmitDiagnostics(program)
    const told = ts.formatDiagnostics(diagnostics, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => ROOT,
      getNewLine: () => '\n'
    })
    assert.strictEqual(told, '')
  })
})
