'use strict'
// The smallest files that look to this package like an addon for macOS or for
// Windows: what the readers look at is there, and nothing that runs.

const FILL = 64

const MACH_PROCESSORS = {
  x64: 0x01000007,
  arm64: 0x0100000c,
  ppc64: 0x01000012
}
const PE_PROCESSORS = {
  x64: 0x8664,
  arm64: 0xaa64,
  ia32: 0x14c,
  riscv64: 0x5064
}

/** Numbers of four bytes, little-endian. */
function numbers(...values) {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4))
  return bytes
}

/** One segment with a symbol's name at its end, signed where arm64 needs it. */
function machO(arch) {
  const isSigned = arch === 'arm64'
  const commandBytes = 72 + 24 + (isSigned ? 16 : 0)
  const content = 32 + commandBytes
  const names = content + FILL + 16
  const signature = names + 8
  const end = signature + (isSigned ? 16 : 0)
  const header = numbers(
    ...[0xfeedfacf, MACH_PROCESSORS[arch], 0, 6],
    ...[isSigned ? 3 : 2, commandBytes, 0, 0]
  )
  const segment = Buffer.concat([
    numbers(0x19, 72),
    Buffer.alloc(16),
    numbers(0, 0, end - content, 0, content, 0, end - content, 0, 1, 1, 0, 0)
  ])
  return Buffer.concat([
    header,
    segment,
    numbers(0x2, 24, content + FILL, 1, names, 8),
    isSigned ? numbers(0x1d, 16, signature, 16) : Buffer.alloc(0),
    Buffer.alloc(FILL, 1),
    numbers(1, 0, 0, 0),
    Buffer.from('\0_name\0\0'),
    isSigned
      ? Buffer.from('fade0cc0000000100000000000000000', 'hex')
      : Buffer.alloc(0)
  ])
}

/** A universal file's header, and nothing of what it names. */
function universal() {
  const bytes = Buffer.alloc(4096)
  bytes.writeUInt32BE(0xcafebabe, 0)
  bytes.writeUInt32BE(2, 4)
  return bytes
}

/** Two sections of a file, the last filled up to the end with zeros. */
function pe(arch) {
  const header = Buffer.alloc(64)
  header.write('MZ')
  header.writeUInt32LE(64, 60)
  const coff = Buffer.alloc(24)
  coff.write('PE')
  coff.writeUInt16LE(PE_PROCESSORS[arch], 4)
  coff.writeUInt16LE(2, 6)
  const section = (address, size, offset) =>
    Buffer.concat([
      Buffer.from('.section'),
      numbers(size, address, size, offset, 0, 0, 0, 0)
    ])
  const begin = 64 + 24 + 2 * 40
  return Buffer.concat([
    header,
    coff,
    section(0x1000, FILL, begin),
    section(0x2000, FILL, begin + FILL),
    Buffer.alloc(FILL, 1),
    Buffer.from('relocations'.padEnd(FILL, '\0'))
  ])
}

module.exports = { machO, pe, universal }
