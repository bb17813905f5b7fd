'use strict'
// A directory of its own for every test, and what was opened in it.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ShmClient, SharedMemoryIpc } = require('../../lib/index.js')
const { Child, Program } = require('./child.js')
const { RingFile, ringFile } = require('./ring-file.js')
const { IS_WINDOWS } = require('./system.js')
const { sleep } = require('./wait.js')

const BASE = !IS_WINDOWS && fs.existsSync('/dev/shm') ? '/dev/shm' : os.tmpdir()

/** A threat that is good for anything. */
function threat(details = 'details', more = {}) {
  return {
    threatType: 'InjectionAttempt',
    severity: 'High',
    source: 'test',
    details,
    blocked: true,
    ...more
  }
}

/** Printable text that repeats nothing: deflating it leaves most. */
function noise(length) {
  let state = 1
  let text = ''
  while (text.length < length) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    text += String.fromCharCode(32 + ((state >>> 8) % 95))
  }
  return text
}

/** The bytes of a ring that no reader and no heartbeat changes. */
function fingerprint(file) {
  const bytes = fs.readFileSync(ringFile(file))
  return {
    identity: bytes.toString('hex', 0, 128),
    claim: bytes.readBigUInt64LE(384),
    head: bytes.readBigUInt64LE(512),
    lastSequence: bytes.readBigUInt64LE(520),
    slots: bytes.toString('base64', 131072)
  }
}

// Windows frees the files of a process a moment after its end.
const ATTEMPTS = IS_WINDOWS ? 100 : 1
const PAUSE_MS = 50

/** @param {boolean} isFailed it may keep what a test that failed has open */
async function removeDirectory(dir, isFailed) {
  for (let attempt = 1; ; attempt++) {
    try {
      return fs.rmSync(dir, { recursive: true, force: true })
    } catch (error) {
      if (IS_WINDOWS && isFailed) return undefined
      if (attempt === ATTEMPTS) throw error
    }
    await sleep(PAUSE_MS)
  }
}

class TestRing {
  constructor() {
    // mkdtemp gives 0700 under any sane umask; what is tested needs exactly
    // that.
    this.dir = fs.mkdtempSync(path.join(BASE, 'kindly-guard-test-'))
    fs.chmodSync(this.dir, 0o700)
    this.file = path.join(this.dir, 'kindly-guard.shm')
    this.lock = path.join(this.dir, 'kindly-guard.lock')
    this.wakeFile = path.join(this.dir, 'kindly-guard.wake')
    this._opened = []
    this._running = []
  }

  /** The file that has the ring's bytes; elsewhere than on Windows `file`. */
  get ringFile() {
    return ringFile(this.file)
  }

  /** @returns {SharedMemoryIpc} closed after the test */
  writer(options = {}) {
    return this.keep(new SharedMemoryIpc({ dir: this.dir, ...options }))
  }

  /** @returns {ShmClient} closed after the test */
  client(options = {}) {
    return this.keep(new ShmClient({ dir: this.dir, ...options }))
  }

  /** @returns {Child} killed after the test */
  child(options) {
    const child = new Child(options)
    this._running.push(child)
    return child
  }

  /** @returns {Program} killed after the test */
  program(main, argument = {}, options = {}) {
    const program = new Program(main, { dir: this.dir, ...argument }, options)
    this._running.push(program)
    return program
  }

  /** @returns {RingFile} the ring's bytes, closed after the test */
  bytes() {
    return this.keep(new RingFile(this.file))
  }

  /** @returns {RingFile} a ring that no writer made, closed after the test */
  forge(options) {
    return this.keep(RingFile.create(this.file, options))
  }

  /** The ring is out of its place, and nobody can make another one there. */
  takeAway() {
    if (IS_WINDOWS) {
      // Nobody renames a directory in which a file is open.
      fs.renameSync(this.file, `${this.file}.away`)
      fs.mkdirSync(this.file)
    } else {
      fs.renameSync(this.dir, `${this.dir}.away`)
      fs.writeFileSync(this.dir, '')
    }
  }

  /** Undoes takeAway(). */
  bringBack() {
    if (IS_WINDOWS) {
      fs.rmdirSync(this.file)
      fs.renameSync(`${this.file}.away`, this.file)
    } else {
      fs.unlinkSync(this.dir)
      fs.renameSync(`${this.dir}.away`, this.dir)
    }
  }

  fingerprint() {
    return fingerprint(this.file)
  }

  /** Ends and closes what it was asked to. */
  async end() {
    await Promise.all(this._running.splice(0).map((child) => child.kill()))
    await Promise.all(this._opened.splice(0).map((opened) => opened.close()))
  }

  /** @param {boolean} [isFailed] what it had open may stay so; Windows then
   * keeps the files */
  async remove(isFailed = false) {
    await this.end()
    await removeDirectory(this.dir, isFailed)
  }

  /** Closes it after the test. */
  keep(opened) {
    this._opened.push(opened)
    return opened
  }
}

/** In a `describe`: gives the ring of the test that runs. */
function useRing() {
  let ring
  beforeEach(() => {
    ring = new TestRing()
  })
  afterEach(() => ring.end())
  // Behind all others of the suite: they may end processes which write there.
  before(function removeLast() {
    this.test.parent.afterEach(function removeRing() {
      return ring.remove(this.currentTest.state === 'failed')
    })
  })
  return () => ring
}

module.exports = { BASE, fingerprint, noise, TestRing, threat, useRing }
