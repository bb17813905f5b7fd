'use strict'
// A machine of somebody who installs the package: an empty home, a project in
// an empty folder, and no compiler.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const TARBALL = process.env.KG_INSTALL_TARBALL
const WORK = process.env.KG_INSTALL_WORK

// All that package managers and their shell scripts call. No cc, make, python3.
const PROGRAMS = 'sh git env uname sed dirname basename cat tar gzip'.split(' ')

// Writes a threat and reads it, and says over what.
const BODY = `
async function use(IpcFactory, PlatformShm) {
  const dir = process.argv[2]
  const shield = IpcFactory.createTransport({ dir, websocket: { port: 0 } })
  await shield.ready()
  shield.writeThreat({
    threatType: 'PathTraversal',
    severity: 'High',
    source: 'mcp',
    details: '../../etc/passwd'
  })
  const client = await IpcFactory.createClient({ dir, from: 'oldest' })
  let details
  await client.pollThreats((threat) => {
    details = threat.details
    return false
  })
  const { transport } = client.stats()
  const reason = PlatformShm.unavailableReason()
  await client.close()
  await shield.close()
  console.log(JSON.stringify({ details, transport, reason }))
}
`
const PROGRAM = {
  'use.cjs': `const { IpcFactory, PlatformShm } = require('kindly-guard-ipc')
${BODY}
use(IpcFactory, PlatformShm)
`,
  'use.mjs': `import { IpcFactory, PlatformShm } from 'kindly-guard-ipc'
${BODY}
use(IpcFactory, PlatformShm)
`
}

const configuration = new Map()

/** What npm is configured with; no address stands in a file of ours. */
function configured(key) {
  if (!configuration.has(key)) {
    const args = ['config', 'get', key]
    const value = execFileSync('npm', args, { encoding: 'utf8' }).trim()
    configuration.set(key, value)
  }
  return configuration.get(key)
}

/** A folder with the programs that a machine without a compiler has. */
function programs() {
  const bin = path.join(WORK, 'bin')
  if (fs.existsSync(bin)) return bin
  fs.mkdirSync(bin)
  fs.symlinkSync(process.execPath, path.join(bin, 'node'))
  for (const name of PROGRAMS) {
    const found = execFileSync('sh', ['-c', 'command -v "$0"', name], {
      encoding: 'utf8'
    }).trim()
    fs.symlinkSync(found, path.join(bin, name))
  }
  return bin
}

/** What the configuration of package managers says about the way to them. */
function networkOf(env) {
  const named =
    /^(npm_config_(cafile|strict_ssl|.*proxy)|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|(https?|no)_proxy)$/i
  return Object.fromEntries(Object.entries(env).filter(([k]) => named.test(k)))
}

function environment(home) {
  const address = configured('registry')
  const authorities = configured('cafile')
  return {
    // Other package managers do not ask npm whom it trusts.
    ...(authorities === 'null' ? {} : { NODE_EXTRA_CA_CERTS: authorities }),
    ...networkOf(process.env),
    PATH: programs(),
    HOME: home,
    // Root's yarn 1 would keep it elsewhere, and give an older tarball.
    YARN_CACHE_FOLDER: path.join(home, 'yarn-cache'),
    CI: '1',
    npm_config_registry: address,
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_update_notifier: 'false',
    YARN_NPM_REGISTRY_SERVER: address.replace(/\/$/, ''),
    YARN_UNSAFE_HTTP_WHITELIST: new URL(address).hostname,
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: '0',
    YARN_ENABLE_HARDENED_MODE: '0',
    YARN_ENABLE_GLOBAL_CACHE: '0'
  }
}

/** One machine, with a project in it; gone at the end of the run. */
class Place {
  constructor() {
    this.home = fs.mkdtempSync(path.join(WORK, 'home-'))
    this.dir = path.join(this.home, 'project')
    this.env = environment(this.home)
    fs.mkdirSync(this.dir)
    for (const [name, text] of Object.entries(PROGRAM)) this.write(name, text)
  }

  write(name, content) {
    const file = path.join(this.dir, name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    const isText = typeof content === 'string'
    fs.writeFileSync(file, isText ? content : JSON.stringify(content))
    return file
  }

  /** package.json, with the tarball or something else as dependency. */
  depend(spec = `file:${TARBALL}`, key = 'dependencies', rest = {}) {
    const dependencies = { 'kindly-guard-ipc': spec }
    this.write('package.json', {
      name: 'project',
      version: '1.0.0',
      private: true,
      [key]: dependencies,
      ...rest
    })
  }

  /** Runs a command in the project; it must succeed. Returns its output. */
  run([program, ...args], { cwd = this.dir, env = {} } = {}) {
    const result = spawnSync(program, args, {
      cwd,
      env: { ...this.env, ...env },
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024
    })
    const output = `${result.stdout}${result.stderr}`
    assert.equal(result.error, undefined)
    assert.equal(result.signal, null, output)
    assert.equal(result.status, 0, `${program} ${args.join(' ')}\n${output}`)
    return result.stdout
  }

  /** What a program of the project says over which transport it works. */
  look(command, options) {
    const ring = fs.mkdtempSync(path.join(this.home, 'ring-'))
    const [program, ...args] = command
    return JSON.parse(this.run([program, ...args, ring], options))
  }

  /** The program runs, over shared memory. */
  usesSharedMemory(command, options) {
    assert.deepEqual(this.look(command, options), {
      details: '../../etc/passwd',
      transport: 'shm',
      reason: null
    })
  }

  /** Both module systems do. */
  usesSharedMemoryTwice(...before) {
    for (const file of Object.keys(PROGRAM)) {
      this.usesSharedMemory([process.execPath, ...before, file])
    }
  }
}

module.exports = { BODY, Place, TARBALL }
