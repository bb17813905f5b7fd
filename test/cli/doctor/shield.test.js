'use strict'
// What the doctor says of rings, locks, discovery files and answers that it is
// told of.

const assert = require('node:assert/strict')
const { answers, discovery } = require('../../../lib/cli/doctor/shield.js')
const { holdersOf } = require('../../../lib/cli/doctor/processes.js')
const { ring } = require('../../../lib/cli/doctor/ring.js')
const { fakeSystem } = require('../../helpers/fake-system.js')

const TOKEN = 'c0ffee'.repeat(11).slice(0, 64)
const LOCK = '/ring/kindly-guard.lock'
const WHOLE = {
  path: '/ring/kindly-guard.shm',
  generation: '0123456789abcdef',
  published: 5,
  capacity: 1024,
  fileBytes: 655360,
  writer: 'live',
  displaced: false
}
const RECORD = {
  state: 'live',
  socket: '/ring/kindly-guard.sock',
  port: 9955,
  host: '127.0.0.1',
  auth: 'token',
  token: TOKEN,
  dir: '/ring',
  pid: 42,
  startedAt: '2026-11-29T12:00:00.000Z'
}
const HOLDER = {
  files: {
    '/ring/kindly-guard.shm': '',
    [LOCK]: '',
    '/proc/42/cmdline': '/usr/bin/node\0/srv/shield.js\0--token\0abc\0',
    '/proc/42/stat': '42 (node) S 1 42',
    '/proc/42/fdinfo/7': 'pos:\t0\nlock:\t1: OFDLCK ADVISORY WRITE -1 0 0\n',
    '/proc/43/fdinfo/3': 'pos:\t0\n'
  },
  links: { '/proc/42/fd/7': LOCK, '/proc/43/fd/3': LOCK }
}

/** The files of a machine, some of them others. */
const withFiles = (files) => ({
  ...HOLDER,
  files: { ...HOLDER.files, ...files }
})

describe('the doctor on a lock', () => {
  it('names who holds it, and nothing of its arguments', () => {
    assert.deepEqual(holdersOf(fakeSystem(HOLDER), LOCK), [
      { pid: 42, command: 'node shield.js', isStopped: false }
    ])
  })

  it('takes no code on a command line for a name', () => {
    const files = { '/proc/42/cmdline': '/usr/bin/node\0-e\0secret.js\0' }
    const [{ command }] = holdersOf(fakeSystem(withFiles(files)), LOCK)
    assert.equal(command, 'node')
  })

  it('knows who is stopped, whatever its name', () => {
    const files = { '/proc/42/stat': '42 (a) S b) T 1' }
    const [{ isStopped }] = holdersOf(fakeSystem(withFiles(files)), LOCK)
    assert.equal(isStopped, true)
  })
})

describe('the doctor on a ring', () => {
  function see({ machine = HOLDER, inspect = () => WHOLE, ...more } = {}) {
    return ring({
      system: fakeSystem(machine),
      options: { dir: '/ring' },
      records: [],
      reason: null,
      inspect,
      ...more
    })
  }
  const levels = (findings) =>
    findings.map(({ topic, level }) => `${topic} ${level}`)

  it('that is written: ok, and who holds it', () => {
    const findings = see()
    assert.deepEqual(levels(findings), ['ring ok', 'lock ok'])
    assert.match(findings[0].text, /5 published, the writer lives$/)
    assert.match(findings[1].text, /held by process 42 \(node shield\.js\)$/)
    assert.deepEqual(findings[1].facts.holders, [
      { pid: 42, command: 'node shield.js' }
    ])
  })

  for (const [what, state, files, words, advice] of [
    ['whose writer has ended', { writer: 'gone' }, {}, /has ended/, /Start/],
    [
      'whose writer is stopped',
      { writer: 'stalled' },
      { '/proc/42/stat': '42 (node) T 1' },
      /is stopped: process 42/,
      /^kill -CONT 42$/
    ],
    [
      'whose writer is late',
      { writer: 'stalled' },
      {},
      /heartbeat is late/,
      /blocked/
    ],
    [
      'that is being replaced',
      { displaced: true },
      {},
      /being replaced/,
      /again/
    ]
  ]) {
    it(`${what}: wrong`, () => {
      const [finding] = see({
        machine: withFiles(files),
        inspect: () => ({ ...WHOLE, ...state })
      })
      assert.equal(finding.level, 'wrong')
      assert.match(finding.text, words)
      assert.match(finding.advice, advice)
    })
  }

  const broken = () => {
    throw new Error('It is damaged.')
  }

  it('that is broken: wrong, with the words of the error', () => {
    const [finding] = see({ inspect: broken })
    assert.deepEqual([finding.level, finding.text], ['wrong', 'It is damaged.'])
  })

  it('that nobody can open without an addon: a note', () => {
    const [finding] = see({ inspect: broken, reason: 'there is none' })
    assert.equal(finding.level, 'note')
    assert.match(finding.text, /without the addon/)
  })

  it('that is not there: wrong, with where it was looked for', () => {
    const findings = see({ machine: {} })
    assert.deepEqual(levels(findings), ['ring wrong'])
    assert.match(findings[0].text, /no ring kindly-guard here \(\/ring\)/)
    assert.match(findings[0].advice, /same user, dir and name/)
  })

  it('that a Shield on WebSocket alone has not: a note', () => {
    const records = [{ ...RECORD, dir: null }]
    const [finding] = see({ machine: {}, records })
    assert.equal(finding.level, 'note')
    assert.match(finding.text, /WebSocket alone/)
  })

  it('that a Shield has where this process sees none: wrong', () => {
    const records = [RECORD]
    const [here] = see({ machine: { files: { '/proc/42/stat': '' } }, records })
    assert.equal(here.level, 'wrong')
    assert.match(here.advice, /not the same file system/)
    const [gone] = see({ machine: {}, records })
    assert.match(gone.text, /its process is gone/)
    assert.match(gone.advice, /Start the Shield/)
  })

  it('of a system whose default directory only the addon knows', () => {
    const files = { '/ring/kindly-guard.shm': '' }
    const machine = { platform: 'darwin', files }
    assert.deepEqual(levels(see({ machine, options: {} })), ['ring ok'])
    const missing = see({
      machine: { platform: 'darwin' },
      options: {},
      inspect: broken
    })
    assert.match(missing[0].text, /^there is no ring kindly-guard here$/)
    const records = [RECORD]
    const [elsewhere] = see({ machine: { platform: 'darwin' }, records })
    assert.equal(elsewhere.text.includes('is gone'), false)
  })

  it('of an earlier Shield beside one that lives: a note', () => {
    const machine = {
      files: {
        '/dev/shm/kindly-guard-1000/kindly-guard.shm': '',
        '/tmp/kindly-guard-1000/kindly-guard.shm': ''
      }
    }
    const inspect = ({ dir }) => ({
      ...WHOLE,
      writer: dir.startsWith('/tmp') ? 'gone' : 'live'
    })
    const findings = see({ machine, inspect, options: {} })
    assert.deepEqual(levels(findings), [
      'ring ok',
      'lock ok',
      'ring note',
      'lock ok'
    ])
    assert.match(findings[1].text, /^nobody holds/)
  })
})

describe('the doctor on discovery files', () => {
  const see = ({ machine = HOLDER, ...more } = {}) =>
    discovery({
      system: fakeSystem(machine),
      options: {},
      places: [{ dir: '/home/kim/.kindly-guard', name: 'kindly-guard' }],
      records: [RECORD],
      closed: [],
      error: null,
      ...more
    })

  it('of a Shield: ok, and no token', () => {
    const [finding] = see()
    assert.equal(finding.level, 'ok')
    assert.match(finding.text, /process 42 \(node shield\.js\)/)
    assert.equal(JSON.stringify(see()).includes(TOKEN), false)
  })

  it('of a Shield that asks for no proof: a note', () => {
    const [finding] = see({ records: [{ ...RECORD, auth: 'none' }] })
    assert.equal(finding.level, 'note')
    assert.match(finding.advice, /auth: token/)
  })

  it('that are not there: a note', () => {
    const [finding] = see({ records: [] })
    assert.equal(finding.level, 'note')
    assert.match(
      finding.text,
      /no \/home\/kim\/\.kindly-guard\/kindly-guard\.json/
    )
  })

  it('of one that closed: a note', () => {
    const [finding] = see({ records: [], closed: [RECORD] })
    assert.match(finding.text, /has closed/)
  })

  it('that cannot be used: wrong', () => {
    const [finding] = see({ records: [], error: new Error('open to others') })
    assert.deepEqual([finding.level, finding.text], ['wrong', 'open to others'])
  })

  it('in the session’s directory, where this process does not look', () => {
    const file = '/run/user/1000/kindly-guard/kindly-guard.json'
    const [finding] = see({ records: [], machine: { files: { [file]: '{}' } } })
    assert.equal(finding.level, 'wrong')
    assert.ok(finding.text.includes(file))
    assert.match(finding.advice, /XDG_RUNTIME_DIR/)
    const [beside] = see({ machine: { files: { [file]: '{}' } } })
    assert.equal(beside.level, 'note')
  })
})

describe('the doctor on answers', () => {
  const place = {
    socket: '/ring/kindly-guard.sock',
    url: 'ws://127.0.0.1:9955',
    token: TOKEN,
    port: 9955
  }
  const answer = async () => ({ micros: 1234, sequence: 5 })
  const refuse = async () => {
    throw new Error('ECONNREFUSED')
  }

  it('by both ways, each asked alone', async () => {
    const asked = []
    const findings = await answers({
      shields: [place],
      roundTrip: (one) => {
        asked.push([one.socket, one.url])
        return answer()
      }
    })
    assert.deepEqual(asked, [
      [place.socket, null],
      [null, place.url]
    ])
    assert.deepEqual(
      findings.map(({ topic, level }) => [topic, level]),
      [
        ['socket', 'ok'],
        ['port', 'ok']
      ]
    )
    assert.match(findings[0].text, /at threat 5; an answer takes 1\.2 ms$/)
    assert.equal(JSON.stringify(findings).includes(TOKEN), false)
  })

  it('that prove nothing, where no token is known', async () => {
    const shields = [{ ...place, token: null }]
    const [{ text }] = await answers({ shields, roundTrip: answer })
    assert.match(text, /kindly-guard\.sock answers and is at threat 5;/)
  })

  it('that do not come: wrong', async () => {
    const findings = await answers({ shields: [place], roundTrip: refuse })
    for (const { level, text, advice } of findings) {
      assert.equal(level, 'wrong')
      assert.match(text, /gives no answer: ECONNREFUSED$/)
      assert.match(advice, /Start the Shield/)
    }
    assert.equal(findings.length, 2)
  })

  it('of a Shield without a socket, or without a port: a note', async () => {
    for (const [topic, missing] of [
      ['socket', { socket: null }],
      ['port', { url: null }]
    ]) {
      const shields = [{ ...place, ...missing }]
      const findings = await answers({ shields, roundTrip: answer })
      const { level, text } = findings.find((one) => one.topic === topic)
      assert.deepEqual(
        [level, text],
        ['note', `no ${topic} of a Shield is known here`]
      )
    }
  })

  it('of one that crashed, beside one that runs: a note', async () => {
    const old = { ...place, socket: '/old', url: null }
    const findings = await answers({
      shields: [place, old],
      roundTrip: (one) => (one.socket === '/old' ? refuse() : answer())
    })
    assert.deepEqual(
      findings.map(({ level }) => level),
      ['ok', 'ok', 'note', 'note']
    )
  })
})
