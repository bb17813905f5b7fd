'use strict'
// libkindly_guard_ipc as it is built and installed by make and by CMake: what
// is in it, what its header is to compilers, and programs that find it.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ShmClient } = require('../..')
const { version } = require('../../package.json')
const { ROOT } = require('../tools/test-files.js')

const NATIVE = path.join(ROOT, 'native')
const INCLUDE = path.join(NATIVE, 'include')
const HEADERS = fs.readdirSync(INCLUDE).filter((name) => name.endsWith('.h'))
const SONAME = `libkindly_guard_ipc.so.${version.split('.')[0]}`
const PACKAGE = 'kindly-guard-ipc'
const MAX_STRIPPED_BYTES = 120 * 1024

const run = (command, args, options) =>
  execFileSync(command, args, { encoding: 'utf8', ...options })

/** The names of the functions that the headers declare. */
const declared = () =>
  HEADERS.flatMap((name) => {
    const text = fs.readFileSync(path.join(INCLUDE, name), 'utf8')
    return [...text.matchAll(/^KG_API [^(]*?\b(kg_\w+)\(/gm)]
  })
    .map(([, name]) => name)
    .sort()

/** The names of the functions that a shared library gives to others. */
const exported = (file) =>
  run('nm', ['-D', '--defined-only', file])
    .split('\n')
    .filter((line) => / [TW] /.test(line))
    .map((line) => line.split(' ').at(-1).replace(/@.*$/, ''))
    .sort()

const PROGRAM = `#include <kindly-guard-ipc/kg_ipc.h>
#include <stdio.h>
int main(void) {
  printf("%s %s%s\\n", KG_VERSION, kg_version(),
         kg_has_zlib() ? " with zlib" : "");
  return 0;
}
`

const PROJECT = `cmake_minimum_required(VERSION 3.16)
project(user C)
find_package(kindly-guard-ipc 0.1 REQUIRED)
foreach(target kindly_guard_ipc kindly_guard_ipc_static)
  add_executable(with_\${target} main.c)
  target_link_libraries(with_\${target} PRIVATE kindly-guard-ipc::\${target})
endforeach()
`

/** Compiles nothing but the header, and what stands behind it. */
function compile(compiler, standard, text = '') {
  const language = compiler === 'gcc' ? 'c' : 'c++'
  const warnings = ['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Werror']
  const args = [
    `-std=${standard}`,
    ...warnings,
    '-fsyntax-only',
    '-x',
    language
  ]
  return spawnSync(compiler, [...args, '-I', INCLUDE, '-'], {
    input: `#include "kg_ipc.h"\n${text}\n`,
    encoding: 'utf8'
  })
}

const STANDARDS = {
  gcc: ['c11', 'c17', 'c2x'],
  'g++': ['c++11', 'c++14', 'c++17', 'c++20', 'c++23']
}

describe('libkindly_guard_ipc', () => {
  let work
  // Where it was installed, by each of the two.
  const prefixes = {}

  const inWork = (...names) => path.join(work, ...names)

  before(() => {
    work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-library-'))
    prefixes.make = inWork('by-make')
    const places = [`BUILD=${inWork('make')}`, `PREFIX=${prefixes.make}`]
    run('make', ['-s', '-C', NATIVE, 'install', ...places])
    prefixes.cmake = inWork('by-cmake')
    const build = inWork('cmake')
    const prefix = `-DCMAKE_INSTALL_PREFIX=${prefixes.cmake}`
    run('cmake', ['-S', NATIVE, '-B', build, prefix])
    run('cmake', ['--build', build, '--parallel', '2'])
    run('cmake', ['--install', build])
  })

  after(() => fs.rmSync(work, { recursive: true, force: true }))

  for (const how of ['make', 'cmake']) {
    describe(`installed by ${how}`, () => {
      const installed = (...names) => path.join(prefixes[how], ...names)
      const library = (name) => installed('lib', name)

      it('gives the functions of its headers, and nothing else', () => {
        const names = declared()
        assert(names.includes('kg_reader_read'))
        assert.deepEqual(exported(library('libkindly_guard_ipc.so')), names)
      })

      it('has a soname, every header, and is small', () => {
        const file = library(SONAME)
        const [, soname] = /SONAME.*\[(.*)\]/.exec(run('readelf', ['-d', file]))
        assert.equal(soname, SONAME)
        const stripped = inWork('stripped')
        run('strip', ['-o', stripped, file])
        const { size } = fs.statSync(stripped)
        assert(size < MAX_STRIPPED_BYTES, `${size} bytes`)
        assert.deepEqual(
          fs.readdirSync(installed('include', 'kindly-guard-ipc')),
          fs.readdirSync(INCLUDE)
        )
      })

      it('is found by pkg-config: a Shield in C writes, Node reads', async () => {
        const found = run('pkg-config', ['--cflags', '--libs', PACKAGE], {
          env: { ...process.env, PKG_CONFIG_PATH: library('pkgconfig') }
        }).trim()
        const build = inWork(`examples-${how}`)
        const args = ['-s', '-C', path.join(ROOT, 'examples', 'c')]
        run('make', [...args, `BUILD=${build}`, `KINDLY_GUARD=${found}`])
        // Nothing was linked into it.
        assert(!fs.existsSync(path.join(build, 'lib')))
        const dir = fs.mkdtempSync(inWork('ring-'))
        run(path.join(build, 'shield'), [dir], {
          env: { ...process.env, LD_LIBRARY_PATH: installed('lib') }
        })
        const client = new ShmClient({ dir, from: 'oldest' })
        const threats = client.poll()
        await client.close()
        assert.deepEqual(
          threats.map(({ source }) => source),
          ['mcp', 'src/app.js:12', 'chat']
        )
      })
    })
  }

  it('is found by CMake, shared and static, and says its version', () => {
    const [source, build] = [inWork('user'), inWork('user-build')]
    fs.mkdirSync(source)
    fs.writeFileSync(path.join(source, 'main.c'), PROGRAM)
    fs.writeFileSync(path.join(source, 'CMakeLists.txt'), PROJECT)
    const prefix = `-DCMAKE_PREFIX_PATH=${prefixes.cmake}`
    run('cmake', ['-S', source, '-B', build, prefix])
    run('cmake', ['--build', build])
    for (const [target, isShared] of [
      ['with_kindly_guard_ipc', true],
      ['with_kindly_guard_ipc_static', false]
    ]) {
      const program = path.join(build, target)
      assert.equal(run(program, []), `${version} ${version}\n`)
      const needs = run('readelf', ['-d', program]).includes(SONAME)
      assert.equal(needs, isShared, target)
    }
  })

  describe('built with zlib', () => {
    const output = `${version} ${version} with zlib\n`
    const usesZlib = (file) =>
      /NEEDED.*libz\.so/.test(run('readelf', ['-d', file]))

    it('by make: pkg-config tells who links the static one', () => {
      const prefix = inWork('zlib-by-make')
      const places = [`BUILD=${inWork('zlib-make')}`, `PREFIX=${prefix}`]
      run('make', ['-s', '-C', NATIVE, 'install', 'ZLIB=1', ...places])
      assert(usesZlib(path.join(prefix, 'lib', 'libkindly_guard_ipc.so')))
      assert(!usesZlib(path.join(prefixes.make, 'lib', SONAME)))
      const env = { PKG_CONFIG_PATH: path.join(prefix, 'lib', 'pkgconfig') }
      const flagsOf = (...more) =>
        run('pkg-config', ['--cflags', '--libs', ...more, PACKAGE], {
          env: { ...process.env, ...env }
        })
          .trim()
          .split(/\s+/)
      // The program itself needs nothing of it.
      assert(!flagsOf().includes('-lz'))
      const source = inWork('zlib-main.c')
      const program = inWork('zlib-main')
      fs.writeFileSync(source, PROGRAM)
      const found = flagsOf('--static').map((flag) =>
        flag === '-lkindly_guard_ipc' ? '-l:libkindly_guard_ipc.a' : flag
      )
      run('cc', ['-std=c11', '-o', program, source, ...found])
      assert.equal(run(program, []), output)
    })

    it('by CMake: find_package brings it along', () => {
      const [prefix, build] = [inWork('zlib-by-cmake'), inWork('zlib-cmake')]
      const options = [`-DCMAKE_INSTALL_PREFIX=${prefix}`, '-DKG_WITH_ZLIB=ON']
      run('cmake', ['-S', NATIVE, '-B', build, ...options])
      run('cmake', ['--build', build, '--parallel', '2'])
      run('cmake', ['--install', build])
      const [source, user] = [inWork('zlib-user'), inWork('zlib-user-build')]
      fs.mkdirSync(source)
      fs.writeFileSync(path.join(source, 'main.c'), PROGRAM)
      fs.writeFileSync(path.join(source, 'CMakeLists.txt'), PROJECT)
      run('cmake', ['-S', source, '-B', user, `-DCMAKE_PREFIX_PATH=${prefix}`])
      run('cmake', ['--build', user])
      for (const target of ['kindly_guard_ipc', 'kindly_guard_ipc_static']) {
        assert.equal(run(path.join(user, `with_${target}`), []), output)
      }
    })
  })

  it('what was compiled without zlib is compiled anew with it', () => {
    const build = `BUILD=${inWork('anew')}`
    const archive = inWork('anew', 'libkindly_guard_ipc.a')
    const wants = (...options) => {
      run('make', ['-s', '-C', NATIVE, archive, build, ...options])
      return run('nm', ['-u', archive]).includes('inflateInit2_')
    }
    assert.deepEqual(
      [wants(), wants('ZLIB=1'), wants('ZLIB=0')],
      [false, true, false]
    )
  })

  for (const [compiler, standards] of Object.entries(STANDARDS)) {
    for (const standard of standards) {
      it(`its header compiles as ${standard} without a warning`, () => {
        const { status, stderr } = compile(compiler, standard)
        assert.deepEqual([status, stderr], [0, ''])
      })
    }
  }

  for (const standard of ['c99', 'c89', 'c++98']) {
    it(`its header says why it does not compile as ${standard}`, () => {
      const compiler = standard.startsWith('c++') ? 'g++' : 'gcc'
      const { status, stderr } = compile(compiler, standard)
      assert.notEqual(status, 0)
      assert.match(stderr, /kg_layout\.h needs C11 or C\+\+11/)
    })
  }

  it('the places of its fields are those that other languages are told', () => {
    const structs = require('../../native/include/kg_abi.json')
    const checks = Object.entries(structs).flatMap(
      ([name, { size, fields }]) => [
        `sizeof(${name}) == ${size}`,
        ...Object.entries(fields).flatMap(([field, [at, bytes]]) => [
          `offsetof(${name}, ${field}) == ${at}`,
          `sizeof(((${name} *)0)->${field}) == ${bytes}`
        ])
      ]
    )
    assert(checks.length > 100)
    const lines = checks.map((one) => `static_assert(${one}, "");`)
    const { status, stderr } = compile('gcc', 'c11', lines.join('\n'))
    assert.deepEqual([status, stderr], [0, ''])
  })
})
