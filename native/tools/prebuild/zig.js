'use strict'
// Runs zig's C and C++ compilers, several at a time. zig keeps what it compiled
// by its content, so what did not change takes no time.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { undefinedInCoff } = require('./coff.js')
const { fetchPackage } = require('./packages.js')

const JOBS = os.availableParallelism()

// As node-gyp has it by itself: without names of types.
const CXX_FLAGS = ['-fno-rtti', '-fvisibility-global-new-delete-hidden']

/** Calls `work` with each item, some at a time. */
async function each(items, work) {
  const waiting = [...items]
  const worker = async () => {
    while (waiting.length > 0) await work(waiting.shift())
  }
  await Promise.all(Array.from({ length: JOBS }, worker))
}

/** A function that runs the zig of the cache in `root`. */
function zigIn(root, cache) {
  const program = path.join(fetchPackage('zig', cache), 'zig')
  const kept = path.join(cache, 'zig-cache')
  const env = {
    ...process.env,
    ZIG_GLOBAL_CACHE_DIR: kept,
    ZIG_LOCAL_CACHE_DIR: kept
  }
  return (args) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd: root, env, stdio: 'inherit' })
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        if (code === 0) return resolve()
        reject(new Error(`zig ${args.join(' ')}: ${signal ?? `exit ${code}`}`))
      })
    })
}

/** A header with all of Node's functions that objects for Windows import. */
function listFunctions(root, objects) {
  const names = objects
    .flatMap((file) => undefinedInCoff(fs.readFileSync(path.join(root, file))))
    .map((name) => /^__imp_((?:napi|node_api|uv)_\w+)$/.exec(name)?.[1])
    .filter((name) => name !== undefined)
  const list = [...new Set(names)].sort()
  return `#define FUNCTIONS(X) ${list.map((name) => `X(${name})`).join(' ')}\n`
}

/**
 * Compiles and links one target. Paths are given relative to `root`, so that
 * the same bytes come out wherever that is.
 * @param {object} job
 * @param {string} job.root
 * @param {string} job.cache
 * @param {import('./targets.js').Target} job.target
 * @param {ReturnType<import('./gyp.js').readGyp>} job.gyp
 * @param {string[]} job.includes folders
 * @returns {Promise<Buffer>} the addon
 */
async function compile({ root, cache, target, gyp, includes }) {
  const zig = zigIn(root, cache)
  const dir = path.join(cache, 'objects', target.name)
  fs.rmSync(dir, { recursive: true, force: true })
  fs.mkdirSync(dir, { recursive: true })

  const defines = [...gyp.defines, 'BUILDING_NODE_EXTENSION']
  const common = [
    ...['-target', target.triple, '-fPIC', '-Werror', ...gyp.cflags],
    ...defines.map((define) => `-D${define}`),
    `-DNODE_GYP_MODULE_NAME=${gyp.name}`,
    ...includes.map((folder) => `-I${path.relative(root, folder)}`)
  ]
  const sources = [...gyp.sources, ...target.sources]
  const objectOf = (source) =>
    path.relative(root, path.join(dir, `${source.replaceAll('/', '-')}.o`))
  await each(sources, (source) => {
    const [driver, flags] = source.endsWith('.c')
      ? ['cc', gyp.cflags_c]
      : ['c++', [...gyp.cflags_cc, ...CXX_FLAGS]]
    const file = ['-c', source, '-o', objectOf(source)]
    return zig([driver, ...common, ...flags, ...file])
  })

  const objects = sources.map(objectOf)
  if (target.imports !== undefined) {
    const list = path.join(dir, 'functions.h')
    fs.writeFileSync(list, listFunctions(root, objects))
    const own = [`-I${path.relative(root, dir)}`, '-c', target.imports]
    objects.push(objectOf(target.imports))
    await zig(['cc', ...common, ...gyp.cflags_c, ...own, '-o', objects.at(-1)])
  }

  const addon = path.relative(root, path.join(dir, `${gyp.name}.node`))
  const [linker, ...flags] = target.link
  const output = linker === 'cc' ? ['-o', addon] : [`-femit-bin=${addon}`]
  await zig([
    ...[linker, '-target', target.triple, ...flags, ...gyp.ldflags],
    ...[...output, ...objects]
  ])
  return fs.readFileSync(path.join(root, addon))
}

module.exports = { compile }
