'use strict'
// How often the commands look: for a Shield, for a ring, and whether the writer
// that is gone left nothing to print.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine, line } = require('../helpers/command-line')

const CONNECT_MS = 10
const WAIT_MS = 200
const CHECK_MS = 100

describe('how often a command looks', () => {
  const cli = new CommandLine()
  let told

  beforeEach(() => {
    cli.setUp()
    told = path.join(cli.dir, 'told')
  })

  afterEach(() => cli.tearDown())

  /** A tail that writes down how long it waits each time. */
  function follow(...args) {
    const file = path.join(cli.dir, 'intervals.js')
    fs.writeFileSync(
      file,
      `const fs = require('node:fs')
      const timers = require('node:timers/promises')
      const tell = (name, delay) =>
        fs.appendFileSync(${JSON.stringify(told)}, \`\${name} \${delay}\\n\`)
      const { setTimeout: sleep } = timers
      timers.setTimeout = (delay, ...rest) => {
        tell('sleep', delay)
        return sleep(delay, ...rest)
      }
      const { setInterval: real } = globalThis
      globalThis.setInterval = (action, delay, ...rest) => {
        if (action.name === 'check') tell('check', delay)
        return real(action, delay, ...rest)
      }`
    )
    fs.writeFileSync(told, '')
    const env = { NODE_OPTIONS: `--require ${file}` }
    return cli.collect(['tail', ...args, '--dir', cli.dir], env)
  }

  const waits = () => fs.readFileSync(told, 'utf8').split('\n').slice(0, -1)

  async function waitsOf(count, ...args) {
    const reader = follow(...args)
    await cli.until(reader, () => waits().length >= count)
    reader.process.kill('SIGINT')
    assert.equal((await reader.ended).code, 0)
    return new Set(waits())
  }

  it('for a ring: five times a second', async () => {
    const args = ['--transport', 'shm', '--wait']
    assert.deepEqual(await waitsOf(3, ...args), new Set([`sleep ${WAIT_MS}`]))
  })

  it('for a connection: every ten milliseconds', async () => {
    assert.deepEqual(
      await waitsOf(3, '--wait'),
      new Set([`sleep ${CONNECT_MS}`])
    )
  })

  it('for the end, when it does not follow: ten times a second', async () => {
    await cli.run(['publish', '--transport', 'shm'], line({}))
    const shm = ['--transport', 'shm', '--from', 'oldest']
    const reader = follow(...shm)
    assert.equal((await reader.ended).code, 0)
    assert.deepEqual(waits(), [`check ${CHECK_MS}`])
  })
})
