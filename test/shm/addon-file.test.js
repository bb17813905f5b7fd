'use strict'
// What is said about the file of an addon before the system's loader sees it,
// for every system, whichever this is.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { wrongWithBytes } = require('../../lib/shm/addon-file.js')
const { machO, pe, universal } = require('../helpers/binaries.js')

const SYSTEMS = {
  darwin: { make: machO, name: 'macOS', format: 'Mach-O', other: 'ppc64' },
  win32: { make: pe, name: 'Windows', format: 'PE', other: 'riscv64' }
}
const WHOLE = /^is not whole: a part of the file is missing$/

for (const [platform, system] of Object.entries(SYSTEMS)) {
  const { make, name, format, other } = system

  for (const arch of ['x64', 'arm64']) {
    const process = { platform, arch, libc: null }
    const wrong = (bytes) => wrongWithBytes(bytes, process)

    describe(`F83 the file of an addon, on ${name} for ${arch}`, () => {
      it('may be loaded when it is for it and whole', () => {
        assert.equal(wrong(make(arch)), null)
      })

      it('is named when it is for another processor', () => {
        const another = arch === 'x64' ? 'arm64' : 'x64'
        assert.equal(
          wrong(make(another)),
          `is for ${another}, and this process is for ${arch}`
        )
        assert.match(wrong(make(other)), /^is for processor \d+, and this/)
      })

      it('is named when any part of its end is missing', () => {
        const bytes = make(arch)
        for (let length = 96; length < bytes.length; length++) {
          assert.match(wrong(bytes.subarray(0, length)), WHOLE, `${length}`)
        }
      })

      it('is named when its end was never written', () => {
        const bytes = make(arch)
        assert.match(wrong(bytes.fill(0, bytes.length - 64)), WHOLE)
      })

      it('is named when it is no such file at all', () => {
        for (const bytes of [
          Buffer.alloc(0),
          Buffer.alloc(4096),
          Buffer.from('<html>404</html>'.repeat(99)),
          Buffer.from('MZ'.padEnd(4096, '.')),
          Buffer.from('cafebabe0000003d'.padEnd(4096, '0'), 'hex')
        ]) {
          assert.equal(
            wrong(bytes),
            `is no addon for ${name} (it has no ${format} header)`
          )
        }
      })

      it('is named when it is for another system', () => {
        const elf = fs.readFileSync(globalThis.process.execPath)
        for (const [bytes, theirs] of [
          [elf.subarray(0, 4096), 'Linux'],
          ...Object.values(SYSTEMS).map((one) => [one.make(arch), one.name])
        ]) {
          const expected =
            theirs === name
              ? null
              : `is for ${theirs}, and this process runs on ${name}`
          assert.equal(wrong(bytes), expected)
        }
      })

      it('never throws, whatever byte of it is another one', () => {
        const bytes = make(arch)
        for (let at = 0; at < bytes.length; at++) {
          for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
            const changed = Buffer.from(bytes)
            changed[at] = value
            const said = wrong(changed)
            assert.ok(said === null || typeof said === 'string')
          }
        }
      })
    })
  }
}

describe('F83 the file of an addon', () => {
  it('that holds several is left to the system of macOS', () => {
    const wrong = (platform) =>
      wrongWithBytes(universal(), { platform, arch: 'x64', libc: null })
    assert.equal(wrong('darwin'), null)
    assert.equal(wrong('linux'), 'is for macOS, and this process runs on Linux')
  })

  it('of macOS is named when its signature was never written', () => {
    const bytes = machO('arm64')
    const process = { platform: 'darwin', arch: 'arm64', libc: null }
    bytes.fill(0, bytes.length - 16)
    assert.match(wrongWithBytes(bytes, process), WHOLE)
  })

  it('of macOS is named when its names are said to be elsewhere', () => {
    const bytes = machO('x64')
    const process = { platform: 'darwin', arch: 'x64', libc: null }
    // In the command behind the header and the segment's.
    bytes.writeUInt32LE(1_000_000, 32 + 72 + 16)
    assert.match(wrongWithBytes(bytes, process), WHOLE)
  })

  for (const [platform, { make, name }] of Object.entries(SYSTEMS)) {
    it(`for ${platform} is named on Linux`, () => {
      const process = { platform: 'linux', arch: 'arm64', libc: 'glibc' }
      assert.equal(
        wrongWithBytes(make('arm64'), process),
        `is for ${name}, and this process runs on Linux`
      )
    })
  }
})
