'use strict'
// How many instructions the C core takes to send an event, and to receive one,
// as callgrind counts them: nearly the same in each run, whatever the machine
// does, so that a few more of them are seen. Says nothing of what an instruction
// costs. The core is compiled as binding.gyp does it, by the compiler that is
// here.
//
// A sender's looks at the kernel's clock and at the signal's handler are not
// counted. They come by time, and under valgrind, where all takes fifty times as
// long, so often that the slower of two machines would count more.
//
// Ends with 1 when it takes more than MOST, or, beside another state, more than
// that by more than `--more` percent.

const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { findState, openSide, THIS } = require('./sides.js')
const { number, table } = require('./table.js')
const { readOptions } = require('./usage.js')

const USAGE = `npm run bench:instructions -- [options]
  --against STATE  beside another folder of this package, or a commit of this
                   clone
  --more PERCENT   so many more than there are too many (3)
  --json           the figures as JSON in the table's place
`

const PROGRAM = path.join(__dirname, 'core', 'instructions.c')
// As binding.gyp has them.
const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-O3', '-flto', '-pthread']

const VARIANTS = ['checked', 'plain']
// Entering one of these turns counting on or off, and leaving it again: look()
// is in native/platform/linux_clock.c, and a receiver calls neither of the two
// for each event.
const COUNTED = {
  send: ['send_all', 'look*', '__libc_sigaction'],
  receive: ['receive_all']
}

// For gcc 12 on x86-64, with a tenth to spare for another one.
const MOST = {
  checked: { send: 585, receive: 340 },
  plain: { send: 480, receive: 245 }
}

/** The C files of a state, without those of other systems. */
function sourcesOf({ dir }) {
  return ['base', 'text', 'ring', 'file', 'platform'].flatMap((layer) => {
    const folder = path.join(dir, 'native', layer)
    // Older states have no text/.
    if (!fs.existsSync(folder)) return []
    return fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('.c'))
      .filter((name) => layer !== 'platform' || /^(linux|posix)/.test(name))
      .map((name) => path.join(folder, name))
  })
}

/** Compiles the program with the core of a state, whose headers it takes. */
function compile(side, work) {
  const program = path.join(work, `instructions-${side.name}`)
  const source = path.join(work, `${side.name}.c`)
  const headers = path.join(side.dir, 'native', 'include')
  const text = fs.readFileSync(PROGRAM, 'utf8')
  fs.writeFileSync(source, text.replace('../../native/include/', ''))
  const args = [...FLAGS, '-I', headers, '-o', program, source]
  execFileSync(process.env.CC ?? 'cc', [...args, ...sourcesOf(side)], {
    stdio: ['ignore', 'inherit', 'inherit']
  })
  return program
}

/** Instructions in one event. */
function count(program, variant, part, work) {
  const ring = fs.mkdtempSync(path.join(work, 'ring-'))
  const { error, status, stdout, stderr } = spawnSync(
    'valgrind',
    [
      '--tool=callgrind',
      `--callgrind-out-file=${path.join(work, 'callgrind.out')}`,
      ...COUNTED[part].map((name) => `--toggle-collect=${name}`),
      ...[program, ring, variant]
    ],
    { encoding: 'utf8' }
  )
  if (error) {
    throw new Error(
      error.code === 'ENOENT'
        ? 'there is no valgrind; on Debian: apt-get install valgrind'
        : error.message
    )
  }
  const [, collected] = /Collected : (\d+)/.exec(stderr) ?? []
  if (status !== 0 || !(collected > 0)) {
    throw new Error(`valgrind ended with ${status}:\n${stderr}`)
  }
  return Number(collected) / Number(stdout)
}

function countAll(sides, work) {
  const programs = sides.map((side) => compile(side, work))
  return VARIANTS.flatMap((variant) =>
    Object.keys(COUNTED).map((part) => ({
      variant,
      part,
      most: MOST[variant][part],
      counts: programs.map((program) => count(program, variant, part, work))
    }))
  )
}

/** What is too much, in words. */
function complain(results, more) {
  return results.flatMap(({ variant, part, most, counts: [ours, theirs] }) => {
    const what = `${variant}, ${part}: ${ours.toFixed(0)} instructions`
    if (theirs === undefined) {
      return ours > most ? [`${what}, at most ${most} are wanted`] : []
    }
    const limit = theirs * (1 + more / 100)
    return ours > limit
      ? [`${what}, over ${more} % more than ${theirs.toFixed(0)}`]
      : []
  })
}

function print(results, that) {
  const head = ['instructions per event', 'this']
  if (that === undefined) head.push('at most')
  else head.push('that', 'this / that')
  const rows = results.map(
    ({ variant, part, most, counts: [ours, theirs] }) => [
      `${variant}, ${part}`,
      ours.toFixed(0),
      ...(that === undefined
        ? [String(most)]
        : [theirs.toFixed(0), number(ours / theirs)])
    ]
  )
  console.log(`this: ${THIS.what}`)
  if (that !== undefined) console.log(`that: ${that.what}`)
  console.log(`\n${table(head, rows)}`)
  console.log(
    "A sender's looks at the kernel's clock and at the signal's handler are not\n" +
      'counted: valgrind makes them many times as frequent as they are.'
  )
}

async function main() {
  const values = readOptions(USAGE, {
    against: { type: 'string' },
    more: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false }
  })
  const more = Number(values.more)
  if (!(more >= 0)) throw new Error(`--more: expected percent, got ${more}`)
  const sides = [THIS]
  if (values.against !== undefined) {
    const state = findState(values.against)
    if (state === null) {
      throw new Error(
        '--against: expected a folder of this package or a commit of this ' +
          `clone, got ${values.against}`
      )
    }
    sides.push(await openSide(state))
  }
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kg-instructions-'))
  try {
    const results = countAll(sides, work)
    if (values.json) console.log(JSON.stringify(results, null, 2))
    else print(results, sides[1])
    for (const text of complain(results, more)) {
      console.error(`bench:instructions: ${text}`)
      process.exitCode = 1
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

main().catch((error) => {
  console.error(`bench:instructions: ${error.message}`)
  process.exitCode = 1
})
