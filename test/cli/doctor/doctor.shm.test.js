'use strict'
// `kindly-guard-ipc doctor` beside real Shields: alive, stopped, killed; a ring
// that is damaged, taken away, or open to others. It changes nothing of them.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine } = require('../../helpers/command-line.js')
const { fingerprint, threat, useRing } = require('../../helpers/ring.js')
const { until } = require('../../helpers/wait.js')

describe('kindly-guard-ipc doctor', function () {
  this.timeout(60_000)
  const ring = useRing()
  const cli = new CommandLine()
  beforeEach(() => cli.setUp())
  afterEach(() => cli.tearDown())

  /** A Shield of both transports in a process of its own, with one threat. */
  async function startShield() {
    const child = ring().child()
    const options = { dir: ring().dir, websocket: { port: 0 } }
    await child.call(
      async (state, [given, first]) => {
        state.shield = state.ipc.IpcFactory.createHybridTransport(given)
        await state.shield.ready()
        state.shield.writeThreat(first)
      },
      [options, threat()]
    )
    return child
  }

  // Of the session in which the tests run, it would have something to say.
  const SESSION = { SUDO_UID: '', XDG_RUNTIME_DIR: '' }

  async function doctor(args = [], env = {}) {
    const all = ['doctor', '--dir', ring().dir, ...args]
    const child = cli.collect(all, { ...SESSION, ...env })
    const { code, stdout, stderr } = await child.ended
    assert.equal(stderr, '')
    return { code, stdout }
  }

  /** What it says as values, by topic; the last of each. */
  async function examine(env) {
    const { code, stdout } = await doctor(['--quick', '--json'], env)
    const { ok, findings } = JSON.parse(stdout)
    assert.equal(code, ok ? 0 : 1, stdout)
    assert.equal(
      ok,
      findings.every(({ level }) => level !== 'wrong')
    )
    const of = (topic) => findings.findLast((one) => one.topic === topic)
    return { code, of, findings, stdout }
  }

  it('a Shield that runs is well, and is left as it was', async () => {
    const shield = await startShield()
    const before = fingerprint(ring().file)
    const doorbell = () =>
      fs.readFileSync(ring().ringFile).toString('hex', 65536, 131072)
    const cells = doorbell()
    const { code, of, findings } = await examine()
    assert.equal(code, 0, JSON.stringify(findings))
    assert.equal(of('ring').facts.writer, 'live')
    assert.equal(of('ring').facts.published, 1)
    for (const topic of ['addon', 'directory', 'discovery', 'socket', 'port']) {
      assert.equal(of(topic).level, 'ok', topic)
    }
    assert.equal(of('socket').facts.sequence, 1)
    if (process.platform === 'linux') {
      const [holder] = of('lock').facts.holders
      assert.deepEqual(holder, { pid: shield.pid, command: 'node peer.js' })
    }
    assert.deepEqual(fingerprint(ring().file), before)
    assert.equal(doorbell(), cells)
    const evicted = await shield.call(
      (state) => state.shield.stats().websocket.evicted
    )
    assert.equal(evicted, 0)
  })

  it('as text, measures, says what it found, and shows no token', async () => {
    await startShield()
    const file = path.join(ring().dir, 'kindly-guard.json')
    const { token } = JSON.parse(fs.readFileSync(file, 'utf8'))
    const { code, stdout } = await doctor()
    assert.equal(code, 0, stdout)
    assert.match(stdout, /^ok {5}socket /m)
    assert.match(stdout, /^(ok|note) {3,5}latency {6}of 190 threats/m)
    assert.match(stdout, /\n0 wrong, \d+ to note, \d+ ok\n$/)
    const json = (await examine()).stdout
    for (const text of [stdout, json]) {
      for (const part of [token.slice(0, 16), token.slice(-16)]) {
        assert.equal(text.includes(part), false)
      }
    }
  })

  it('F39 a Shield that is stopped is named, and goes on behind it', async () => {
    const shield = await startShield()
    shield.signal('SIGSTOP')
    const client = ring().client()
    const isLate = () => client.stats().writer === 'stalled'
    await until(isLate, 'its heartbeat is late')
    const { of } = await examine()
    assert.equal(of('ring').facts.writer, 'stalled')
    assert.equal(of('ring').level, 'wrong')
    assert.equal(of('ring').advice, `kill -CONT ${shield.pid}`)
    assert.equal(of('socket').level, 'wrong')
    shield.signal('SIGCONT')
    const sequence = await shield.call(
      (state, next) => state.shield.writeThreat(next),
      threat()
    )
    assert.equal(sequence, 2)
  })

  it('of a Shield that was killed, the ring is left', async () => {
    const shield = await startShield()
    await shield.kill()
    const { code, of } = await examine()
    assert.equal(code, 1)
    assert.equal(of('ring').facts.writer, 'gone')
    assert.match(of('ring').text, /has ended/)
    assert.match(of('lock').text, /^nobody holds/)
    for (const topic of ['socket', 'port']) {
      assert.equal(of(topic).level, 'wrong')
      assert.match(of(topic).text, /ECONNREFUSED/)
    }
  })

  it('a ring that is damaged is told, and stays as it is', async () => {
    await ring().writer().close()
    const bytes = fs.readFileSync(ring().ringFile)
    bytes[0] ^= 1
    fs.writeFileSync(ring().ringFile, bytes)
    const { code, of } = await examine()
    assert.equal(code, 1)
    assert.equal(of('ring').level, 'wrong')
    assert.match(of('ring').text, /^The file is not a ring\. /)
    assert.deepEqual(fs.readFileSync(ring().ringFile), bytes)
  })

  it('a directory that was taken is told', async () => {
    await ring().writer().close()
    ring().takeAway()
    const { code, of } = await examine()
    ring().bringBack()
    assert.equal(code, 1)
    assert.match(of('directory').text, /is no directory/)
  })

  it('F28 a directory that is open to others is told, with what to do', async () => {
    const shield = await startShield()
    // One that lives would take the permissions away again.
    await shield.kill()
    fs.chmodSync(ring().dir, 0o755)
    const { code, of } = await examine()
    assert.equal(code, 1)
    assert.equal(of('directory').level, 'wrong')
    assert.equal(of('directory').advice, `chmod 700 ${ring().dir}`)
    assert.equal(of('ring').level, 'wrong')
    assert.equal(of('discovery').level, 'wrong')
    assert.equal(fs.statSync(ring().dir).mode & 0o777, 0o755)
  })

  it('without a Shield says where it looked, and makes nothing', async () => {
    const { code, of } = await examine()
    assert.equal(code, 1)
    assert.match(of('ring').text, /there is no ring kindly-guard here/)
    assert.match(of('discovery').text, /there is no /)
    assert.deepEqual(fs.readdirSync(ring().dir), [])
  })

  it('without the addon says what it can', async () => {
    await startShield()
    const { code, of } = await examine({ KINDLY_GUARD_IPC_NO_NATIVE: '1' })
    assert.equal(code, 1)
    assert.match(of('addon').text, /KINDLY_GUARD_IPC_NO_NATIVE=1 forbids/)
    assert.match(of('ring').text, /without the addon/)
    assert.equal(of('socket').level, 'ok')
  })

  it('asks where a token file says, and looks for no other', async () => {
    await startShield()
    const file = path.join(ring().dir, 'kindly-guard.json')
    const copy = path.join(cli.dir, 'copy.json')
    fs.copyFileSync(file, copy)
    fs.rmSync(file)
    const { code, of } = await examine({
      KINDLY_GUARD_IPC_WEBSOCKET_TOKEN_FILE: copy
    })
    assert.equal(code, 0)
    assert.equal(of('discovery'), undefined)
    assert.deepEqual([of('socket').level, of('port').level], ['ok', 'ok'])
  })

  it('looks at one transport alone, when it is told to', async () => {
    await startShield()
    const topics = async (transport) => {
      const args = ['--quick', '--json', '--transport', transport]
      const { stdout } = await doctor(args)
      return JSON.parse(stdout).findings.map(({ topic }) => topic)
    }
    const shm = await topics('shm')
    assert.equal(shm.includes('ring'), true)
    assert.equal(shm.includes('discovery') || shm.includes('port'), false)
    const websocket = await topics('websocket')
    assert.equal(websocket.includes('ring'), false)
    assert.equal(websocket.includes('port'), true)
  })

  it('a wrong option is a wrong command line', async () => {
    const { code, stderr } = await cli.collect(['doctor', '--fast']).ended
    assert.equal(code, 2)
    assert.match(stderr, /--fast/)
  })
})
