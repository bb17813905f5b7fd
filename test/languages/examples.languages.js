'use strict'
// examples/c as a user builds them, by pkg-config against an installed library,
// with Node at the other end.

const assert = require('node:assert/strict')
const { execFileSync, spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')
const { ROOT } = require('../tools/test-files.js')
const { environmentOf, flagsOf, installedPrefix } = require('./installed.js')

const LONG_MS = 120_000
const SLOTS = 64

describe('the examples in C', function examples() {
  this.timeout(LONG_MS)
  const ring = useRing()
  let build
  let running = []

  before(() => {
    build = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-examples-'))
    const found = flagsOf(installedPrefix()).join(' ')
    const source = path.join(ROOT, 'examples', 'c')
    const words = ['-s', '-C', source, `BUILD=${build}`]
    execFileSync('make', [...words, `KINDLY_GUARD=${found}`])
  })

  after(() => fs.rmSync(build, { recursive: true, force: true }))

  afterEach(async () => {
    for (const one of running) one.process.kill('SIGKILL')
    await Promise.all(running.map(({ exited }) => exited))
    running = []
  })

  /** Runs beside the test; `lines` is what it printed so far. */
  function start(name, ...words) {
    const program = spawn(path.join(build, name), [ring().dir, ...words], {
      env: environmentOf(installedPrefix())
    })
    const one = { process: program, text: '', stderr: '' }
    program.stdout.setEncoding('utf8').on('data', (text) => {
      one.text += text
    })
    program.stderr.setEncoding('utf8').on('data', (text) => {
      one.stderr += text
    })
    // One that was killed reads no more.
    program.stdin.on('error', () => {})
    one.exited = new Promise((resolve) => {
      program.on('close', (code, signal) => resolve(signal ?? code))
    })
    one.says = (wanted) =>
      until(() => one.text.includes(wanted), `"${wanted}" of ${name}`)
    running.push(one)
    return one
  }

  async function stop({ process: program }) {
    program.kill('SIGSTOP')
    const state = `/proc/${program.pid}/stat`
    await until(() => / T /.test(fs.readFileSync(state, 'utf8')), 'a stop')
  }

  const detailsIn = ({ text }) =>
    [...text.matchAll(/ details="(.*?)"/g)].map(([, details]) => details)

  it('reject overwrites nothing that a reader has not taken', async () => {
    const first = start('reject', '0')
    assert.equal(await first.exited, 0, first.stderr)
    const client = ring().client({ reliable: true })
    const writer = start('reject', '5000')
    await until(() => client.stats().published === SLOTS, 'a full ring')
    const details = []
    await until(() => {
      details.push(...client.poll().map((one) => one.details))
      return details.length >= 5000
    }, 'all of them')
    assert.equal(await writer.exited, 0, writer.stderr)
    assert.deepEqual(
      details,
      Array.from({ length: 5000 }, (_, i) => `details ${i + 1}`)
    )
    assert.equal(client.stats().lost, 0)
    const [, waited] = /^published 5000, waited (\d+) times$/m.exec(writer.text)
    assert(Number(waited) > 0)
  })

  it('reject goes on when the reader that it waits for is killed', async () => {
    await start('reject', '0').exited
    const child = ring().child()
    await child.call((state, dir) => {
      state.client = new state.ipc.ShmClient({ dir, reliable: true })
    }, ring().dir)
    const client = ring().client()
    const writer = start('reject', '500')
    await until(() => client.stats().published === SLOTS, 'a full ring')
    await child.kill()
    assert.equal(await writer.exited, 0, writer.stderr)
    assert.match(writer.text, /^published 500, /)
  })

  it('beat keeps a Shield alive, and makes a removed ring anew', async () => {
    const shield = start('beat')
    shield.process.stdin.write('first\n')
    await shield.says('published 1')
    const client = ring().client({ from: 'oldest' })
    fs.unlinkSync(ring().file)
    await until(() => fs.existsSync(ring().file), 'a ring of the beat')
    shield.process.stdin.write('second\n')
    const details = []
    await until(() => {
      details.push(...client.poll().map((one) => one.details))
      return details.length === 2
    }, 'both')
    assert.deepEqual(details, ['first', 'second'])
    assert.equal(client.stats().lost, 0)
    shield.process.stdin.end()
    assert.equal(await shield.exited, 0, shield.stderr)
    assert.equal(shield.stderr, '')
  })

  it('beat says what it cannot mend, once, and mends it later', async () => {
    const shield = start('beat')
    shield.process.stdin.write('first\n')
    await shield.says('published 1')
    ring().takeAway()
    await until(() => shield.stderr.includes('beat: ERR_'), 'an error')
    ring().bringBack()
    await until(() => {
      shield.process.stdin.write('again\n')
      return /published \d+\n$/.test(shield.text)
    }, 'it writes again')
    assert.equal(shield.stderr.match(/beat: ERR_/g).length, 1)
  })

  it('follow goes over to rings that take the place of its own', async () => {
    const first = ring().writer({ maxEvents: 64 })
    first.writeThreat(threat('one'))
    const reader = start('follow')
    await reader.says('"one"')
    await first.close()
    const second = ring().writer({ maxEvents: 128 })
    second.writeThreat(threat('two'))
    await reader.says('"two"')
    // Cut short: what was not read is lost, and told.
    await stop(reader)
    second.writeThreat(threat('gone'))
    fs.truncateSync(ring().file, 65_536)
    await until(() => {
      try {
        return second.writeThreat(threat('four'))
      } catch (error) {
        assert.equal(error.code, 'ERR_RING_TRUNCATED')
        return false
      }
    }, 'another ring')
    reader.process.kill('SIGCONT')
    await reader.says('"four"')
    assert.deepEqual(detailsIn(reader), ['one', 'two', 'four'])
    assert.match(reader.text, /^another ring\nlost 1: 2 to 2$/m)
    assert.equal(reader.text.match(/^another ring$/gm).length, 2)
  })

  it('follow tells what of a ring it has lost', async () => {
    const writer = ring().writer({ maxEvents: 64, priorityEvents: 0 })
    const reader = start('follow')
    writer.writeThreat(threat('1'))
    await reader.says('"1"')
    await stop(reader)
    for (let i = 2; i <= 200; i++) writer.writeThreat(threat(`${i}`))
    reader.process.kill('SIGCONT')
    await reader.says('"200"')
    const [, count, from, to] = /^lost (\d+): (\d+) to (\d+)$/m.exec(
      reader.text
    )
    assert.deepEqual([Number(count), Number(from)], [Number(to) - 1, 2])
    assert.equal(detailsIn(reader).length + Number(count), 200)
  })

  it('poll is woken by what comes, and by its input', async () => {
    const writer = ring().writer()
    const reader = start('poll')
    // It reads what comes once it is there: it asks for a signal then.
    await until(() => {
      writer.writeThreat(threat('over and over'))
      return reader.text !== ''
    }, 'a threat')
    writer.writeThreat(threat('the last ü'))
    await reader.says('the last \\xc3\\xbc')
    reader.process.stdin.end()
    assert.equal(await reader.exited, 0, reader.stderr)
    assert(!reader.text.includes('lost'))
  })

  it('poll ends with its writer', async () => {
    const writer = ring().writer()
    const reader = start('poll')
    await until(() => {
      writer.writeThreat(threat('over and over'))
      return reader.text !== ''
    }, 'a threat')
    writer.writeThreat(threat('the end'))
    await writer.close()
    assert.equal(await reader.exited, 0, reader.stderr)
    assert.equal(detailsIn(reader).at(-1), 'the end')
  })

  it('beat and follow outlive somebody who writes into their ring', async () => {
    const shield = start('beat')
    shield.process.stdin.write('first\n')
    await shield.says('published 1')
    const reader = start('follow')
    await reader.says('"first"')
    // A generator that is the same each time.
    let state = 7
    const random = (most) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 8) % most
    }
    for (let round = 0; round < 300; round++) {
      const file = fs.openSync(ring().file, 'r+')
      const { size } = fs.fstatSync(file)
      const parts = [
        [0, 896],
        [65_536, 4096],
        [131_072, size - 131_072]
      ]
      for (let i = 0; i < 20; i++) {
        const [at, length] = parts[random(3)]
        fs.writeSync(
          file,
          Buffer.from([random(256)]),
          0,
          1,
          at + random(length)
        )
      }
      fs.closeSync(file)
      const answers = shield.text.split('\n').length
      shield.process.stdin.write(`number ${round}\n`)
      await until(
        () =>
          shield.text.split('\n').length > answers ||
          shield.process.exitCode !== null ||
          shield.process.signalCode !== null,
        'an answer'
      )
    }
    shield.process.stdin.end()
    assert.equal(await shield.exited, 0, shield.stderr)
    // It goes on, or has said what is wrong.
    reader.process.kill('SIGTERM')
    const end = await reader.exited
    assert(end === 'SIGTERM' || end === 1, `${end}: ${reader.stderr}`)
    assert.equal(end === 1, reader.stderr.startsWith('read: ERR_'))
  })
})
