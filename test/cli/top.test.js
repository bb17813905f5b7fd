'use strict'
// The parts of the live screen: rates, columns, and lines that fit.

const assert = require('node:assert/strict')
const { EventEmitter } = require('node:events')
const { formatMicros } = require('../../lib/cli/format.js')
const { fit, formatCount, formatRate } = require('../../lib/cli/top/columns.js')
const { frame } = require('../../lib/cli/top/frame.js')
const { Rates } = require('../../lib/cli/top/rates.js')
const { lockedBytes, readersOf } = require('../../lib/cli/top/readers.js')
const { Screen } = require('../../lib/cli/top/screen.js')
const { fakeSystem } = require('../helpers/fake-system.js')

const zeros = (names) => Object.fromEntries(names.map((name) => [name, 0]))
const SEVERITIES = ['Critical', 'High', 'Medium', 'Low', 'Unknown']
const TYPES = ['PathTraversal', 'RateLimitViolation', 'Unknown']

function modelOf({ state, ...more } = {}) {
  const threat = {
    timestampUs: 1_704_067_200_000_000,
    threatType: 'PathTraversal',
    severity: 'Critical',
    source: '日本語の'.repeat(20),
    details: '\u001b[2J\u202e e\u0301 👩‍👩‍👧 '.repeat(20)
  }
  return {
    now: 1_704_067_200_000,
    snapshot: {
      threats: Array(50).fill(threat),
      counts: {
        total: 1_234_567,
        blocked: 7,
        bySeverity: { ...zeros(SEVERITIES), Critical: 1_234_567 },
        byType: { ...zeros(TYPES), PathTraversal: 1_234_567 }
      },
      lost: { count: 5, priority: 2, unknown: 1 },
      state: {
        transport: 'shm',
        writer: 'live',
        since: 1_704_067_200_000,
        reason: 'the ring is there',
        ...state
      }
    },
    rates: { total: 9.96, bySeverity: zeros(SEVERITIES), byType: zeros(TYPES) },
    latency: { count: 1, p50: 120, p90: 1200, p99: 1.2e6, max: 2e6 },
    place: '/dev/shm/kindly-guard-0/kindly-guard.shm',
    behind: 0,
    readers: { processes: 4, reliable: 1, lag: 12 },
    ...more
  }
}

describe('columns', () => {
  it('are counted as a terminal counts them', () => {
    assert.equal(fit('abc', 5), 'abc  ')
    assert.equal(fit('abc', 5, 'right'), '  abc')
    assert.equal(fit('abcdef', 5), 'abcde')
    assert.equal(fit('日本語', 5), '日本 ')
    assert.equal(fit('日本語', 6), '日本語')
    assert.equal(fit('e\u0301e', 2), 'e\u0301e')
    assert.equal(fit('🔥a', 3), '🔥a')
    assert.equal(fit('abc', 0), '')
  })

  it('have numbers that people read', () => {
    assert.equal(formatCount(1234567), '1,234,567')
    assert.deepEqual([0, 9.94, 10.4, 12345].map(formatRate), [
      '0.0/s',
      '9.9/s',
      '10/s',
      '12,345/s'
    ])
    assert.deepEqual([null, 12.4, 1200, 1.2e6].map(formatMicros), [
      '-',
      '12 µs',
      '1.2 ms',
      '1.2 s'
    ])
  })
})

describe('rates', () => {
  it('are those of the last seconds', () => {
    const rates = new Rates()
    const rate = () => rates.perSecond(({ total }) => total)
    assert.equal(rate(), 0)
    rates.add(1000, { total: 0 })
    assert.equal(rate(), 0)
    rates.add(2000, { total: 10 })
    assert.equal(rate(), 10)
    for (let at = 3000; at <= 10_000; at += 1000) rates.add(at, { total: 10 })
    assert.equal(rate(), 0)
  })
})

describe('a screen', () => {
  const escape = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')
  const plain = (line) => line.replaceAll(escape, '')
  const wideAs = (line) => fit(line, 1000).trimEnd()

  for (const [columns, rows] of [
    [80, 24],
    [76, 20],
    [75, 24],
    [40, 10],
    [10, 3],
    [1, 1],
    [300, 100]
  ]) {
    it(`of ${columns} × ${rows} is full, and nothing is beyond it`, () => {
      for (const color of [false, true]) {
        const lines = frame(modelOf(), { columns, rows, color }).map(plain)
        assert.equal(lines.length, rows)
        for (const line of lines) {
          assert.equal(fit(line, columns).trimEnd(), wideAs(line))
        }
        assert.equal(lines.join('').includes('\u001b'), false)
      }
    })
  }

  it('says what is wrong', () => {
    const size = { columns: 80, rows: 24, color: true }
    const state = {
      transport: 'connecting',
      writer: 'gone',
      since: null,
      reason: 'no ring'
    }
    const lines = frame(modelOf({ state, readers: null }), size)
    assert.ok(lines[1].startsWith('\u001b[31mconnecting, no Shield: no ring'))
    assert.equal(
      plain(lines[5]).trimEnd(),
      'lost     5, 2 priority and 1 × an unknown number'
    )
    assert.equal(plain(lines[7]).trimEnd(), 'readers  this one 0 behind')
    const well = frame(modelOf(), size)
    assert.ok(well[1].startsWith('shm, the Shield is live since 00:00:00'))
    assert.equal(
      well[7].trimEnd(),
      'readers  3 reading, 1 reliable (12 slots behind), this one 0 behind'
    )
    const small = frame(modelOf({ state }), {
      columns: 40,
      rows: 10,
      color: false
    })
    assert.match(small[0], /^connecting, no Shield +10\.0\/s$/)
    assert.match(small[1], /^no ring/)
  })
})

describe('readers', () => {
  const locks = [
    '1: OFDLCK ADVISORY  WRITE -1 00:1a:77 3 3',
    '2: OFDLCK ADVISORY  WRITE -1 00:1a:77 0 0',
    '3: OFDLCK ADVISORY  WRITE -1 00:1a:78 1 1',
    '4: POSIX  ADVISORY  WRITE 12 fe:00:77 9 EOF'
  ].join('\n')

  it('are the bytes of their file that are locked', () => {
    assert.deepEqual(lockedBytes(locks, { dev: 0x1a, ino: 77 }), [3, 0])
    assert.deepEqual(lockedBytes(locks, { dev: 0xfe00, ino: 77 }), [9])
    assert.deepEqual(lockedBytes('', { dev: 1, ino: 1 }), [])
  })

  it('are not told where nothing can be seen', () => {
    assert.deepEqual(readersOf(fakeSystem(), '/nowhere/kindly-guard.shm'), {
      processes: null,
      reliable: 0,
      lag: null
    })
    const maps = '7f00-7f01 r--s 00000000 00:1a 5 /ring/kindly-guard.shm\n'
    const files = {
      '/proc/1/maps': maps,
      '/proc/2/maps': '',
      '/proc/3/maps': maps
    }
    const { processes } = readersOf(
      fakeSystem({ files }),
      '/ring/kindly-guard.shm'
    )
    assert.equal(processes, 2)
  })
})

describe('the terminal of a screen', () => {
  function open() {
    const stdin = Object.assign(new EventEmitter(), {
      isTTY: true,
      raw: [],
      setRawMode: (on) => stdin.raw.push(on),
      pause() {}
    })
    const stdout = Object.assign(new EventEmitter(), {
      columns: 100,
      rows: 30,
      written: '',
      write(text) {
        stdout.written += text
      }
    })
    const calls = []
    const screen = new Screen(stdin, stdout)
    screen.open({
      redraw: () => calls.push('redraw'),
      quit: () => calls.push('quit')
    })
    return { screen, stdin, stdout, calls }
  }
  const listeners = () =>
    ['exit', 'SIGTSTP', 'SIGCONT'].map((name) => process.listenerCount(name))

  it('is given back, and nobody listens any more', () => {
    const before = listeners()
    const { screen, stdin, stdout } = open()
    assert.deepEqual(screen.size, { columns: 100, rows: 30 })
    screen.draw(['a', 'b'])
    screen.close()
    screen.close()
    screen.draw(['c'])
    assert.deepEqual(stdin.raw, [true, false])
    assert.equal(stdout.written.includes('c'), false)
    assert.equal(stdout.written.split('1049l').length, 2)
    assert.deepEqual(listeners(), before)
    assert.deepEqual([stdin.eventNames(), stdout.eventNames()], [[], []])
  })

  it('is asked for its size, which is usual where it does not know', () => {
    const { screen, stdout, calls } = open()
    stdout.emit('resize')
    assert.deepEqual(calls, ['redraw'])
    Object.assign(stdout, { columns: 0, rows: undefined })
    assert.deepEqual(screen.size, { columns: 80, rows: 24 })
    screen.close()
  })

  it('ends the program by a key, by its end, and by an error', () => {
    const { screen, stdin, stdout, calls } = open()
    for (const keys of ['x', 'q', 'Q', 'abq', '\u0003', '\u0004']) {
      stdin.emit('data', Buffer.from(keys))
    }
    stdin.emit('end')
    stdout.emit('error', new Error('EIO'))
    assert.deepEqual(calls, Array(7).fill('quit'))
    screen.close()
  })
})
