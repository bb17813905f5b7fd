'use strict'
// What a file with a position may have, and what is wrong with any other one.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const {
  PositionWriter,
  resolveAfter
} = require('../../lib/stream/position-file.js')

const POSITION = { generation: '0123456789abcdef', sequence: 6, priority: 2 }
const GOOD = { version: 1, ...POSITION }

describe('a file with a position', () => {
  let dir
  let file

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-position-'))
    file = path.join(dir, 'position.json')
  })

  afterEach(() => {
    fs.rmSync(dir, { recursive: true })
  })

  function put(content) {
    const isText = typeof content === 'string' || Buffer.isBuffer(content)
    const text = isText ? content : JSON.stringify(content)
    fs.writeFileSync(file, text, { mode: 0o600 })
  }

  /** Why it is not used; nothing is thrown. */
  function refused(name = file) {
    const { after, error, ...rest } = resolveAfter({ file: name })
    assert.deepEqual([after, rest], [undefined, {}])
    assert.equal(error?.code, 'ERR_POSITION_INVALID')
    assert.equal(error.name, 'IpcError')
    assert(error.message.includes(`${name} `), error.message)
    return error
  }

  it('is that position, whatever stands beside it', () => {
    for (const more of [{}, { other: 1 }, { file: 'x' }]) {
      put({ ...GOOD, ...more })
      assert.deepEqual(resolveAfter({ file }), { after: POSITION, error: null })
    }
    for (const priority of [null, undefined]) {
      put({ ...GOOD, priority })
      const { after } = resolveAfter({ file })
      assert.deepEqual(after, { ...POSITION, priority: null })
    }
  })

  it('is written as it is, whatever toJSON all objects have', () => {
    Object.prototype.toJSON = () => 'evil'
    try {
      new PositionWriter().write(file, POSITION)
    } finally {
      delete Object.prototype.toJSON
    }
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), GOOD)
  })

  it('that is a position without a file is that', () => {
    assert.deepEqual(resolveAfter(POSITION), { after: POSITION, error: null })
    const nothing = { after: undefined, error: null }
    assert.deepEqual(resolveAfter(undefined), nothing)
  })

  it('that is not there is none, and no error', () => {
    const nothing = { after: undefined, error: null }
    for (const name of [file, path.join(dir, 'no', 'folder', 'x.json')]) {
      assert.deepEqual(resolveAfter({ file: name }), nothing)
    }
  })

  it('that vanishes while it is looked at is none, too', () => {
    put(GOOD)
    const { openSync } = fs
    fs.openSync = (...values) => {
      fs.rmSync(file)
      return openSync(...values)
    }
    try {
      const nothing = { after: undefined, error: null }
      assert.deepEqual(resolveAfter({ file }), nothing)
    } finally {
      fs.openSync = openSync
    }
  })

  const damaged = {
    'nothing in it': ['', /is no JSON/],
    'half a position': ['{"version":1,"generation":"01', /is no JSON/],
    'bytes that are no text': [Buffer.alloc(200, 0xff), /is no JSON/],
    'a list': ['[1]', /has no position/],
    null: ['null', /has no position/],
    'a number': ['7', /has no position/],
    'another version': [{ ...GOOD, version: 2 }, /has version 2, this is 1/],
    'no version': [{ ...GOOD, version: undefined }, /has no position/],
    'a version that is text': [{ ...GOOD, version: '1' }, /has no position/],
    'no generation': [{ ...GOOD, generation: undefined }, /has no position/],
    'a generation that is longer': [
      { ...GOOD, generation: `${GOOD.generation}0` },
      /has no position/
    ],
    'a sequence below 0': [{ ...GOOD, sequence: -1 }, /has no position/],
    'a sequence that is text': [{ ...GOOD, sequence: '6' }, /has no position/],
    'a sequence beyond the last': [
      { ...GOOD, sequence: 2 ** 53 },
      /has no position/
    ],
    'a priority that is too large': [
      { ...GOOD, priority: 2 ** 32 },
      /has no position/
    ],
    'a position in a prototype': [
      `{"__proto__":${JSON.stringify(GOOD)}}`,
      /has no position/
    ],
    'more than a position has': [
      `${' '.repeat(4096)}{}`,
      /has more than 4096 bytes/
    ]
  }
  for (const [what, [content, expected]] of Object.entries(damaged)) {
    it(`is not used with ${what}`, () => {
      put(content)
      assert.match(refused().message, expected)
    })
  }

  it('has the largest position, and as many bytes as it may', () => {
    const most = { sequence: Number.MAX_SAFE_INTEGER, priority: 2 ** 32 - 1 }
    const text = JSON.stringify({ ...GOOD, ...most })
    put(text.padStart(4096))
    assert.deepEqual(resolveAfter({ file }).after, { ...POSITION, ...most })
  })

  it('has nothing that every object has', () => {
    Object.assign(Object.prototype, GOOD)
    try {
      put('{}')
      assert.match(refused().message, /has no position/)
    } finally {
      for (const key of Object.keys(GOOD)) delete Object.prototype[key]
    }
  })

  it('is not used when it is a folder, or below a file', () => {
    assert.match(refused(dir).message, /is no regular file/)
    put(GOOD)
    const below = path.join(file, 'position.json')
    // Where the system says no more than that it is not there.
    if (process.geteuid === undefined) resolveAfter({ file: below })
    else assert.match(refused(below).message, /cannot be read: .*ENOTDIR/)
  })

  it('is not used when others may write it', () => {
    // Windows has no modes.
    if (process.geteuid === undefined) return
    for (const [mode, isFine] of [
      [0o600, true],
      [0o644, true],
      [0o660, false],
      [0o602, false]
    ]) {
      put(GOOD)
      fs.chmodSync(file, mode)
      if (isFine) assert.deepEqual(resolveAfter({ file }).after, POSITION)
      else assert.match(refused().message, /others may write it/)
    }
    put(GOOD)
    fs.chmodSync(file, 0o600)
    const { geteuid } = process
    process.geteuid = () => geteuid() + 1
    try {
      assert.match(refused().message, /belongs to somebody else/)
    } finally {
      process.geteuid = geteuid
    }
  })

  it('is not used when the system refuses it, and that is the cause', () => {
    put(GOOD)
    const { openSync } = fs
    for (const [thrown, expected] of [
      [
        { code: 'EACCES', syscall: 'open' },
        /cannot be read: open: EACCES\. Reading/
      ],
      [
        { code: 'ERR_ACCESS_DENIED', permission: 'FileSystemRead' },
        /cannot be read: Node's permission model denies it; --allow-fs-read/
      ]
    ]) {
      const cause = Object.assign(new Error('refused'), thrown)
      fs.openSync = () => {
        throw cause
      }
      try {
        const error = refused()
        assert.match(error.message, expected)
        assert.equal(error.cause, cause)
      } finally {
        fs.openSync = openSync
      }
    }
  })
})
