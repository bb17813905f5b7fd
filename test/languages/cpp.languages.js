'use strict'
// kindly_guard_ipc.hpp: what it is to compilers, its edges, and programs with Node
// at the other end.

const assert = require('node:assert/strict')
const { execFileSync, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { threat, useRing } = require('../helpers/ring.js')
const { environmentOf, flagsOf, installedPrefix } = require('./installed.js')
const { Peer, testPeer } = require('./peers.js')

const SOURCES = path.join(__dirname, 'cpp')
const STANDARDS = ['c++11', 'c++14', 'c++17', 'c++20', 'c++23']
const WARNINGS = [
  ...['-Wall', '-Wextra', '-Wpedantic', '-Wshadow', '-Wconversion'],
  ...['-Wsign-conversion', '-Wold-style-cast', '-Wnon-virtual-dtor', '-Werror']
]
const SANITIZED = ['-g', '-fsanitize=address,undefined']
const LONG_MS = 240_000
const HOSTILE_ROUNDS = 300

let work

const built = (name) => path.join(work, name)
const environment = () => environmentOf(installedPrefix())

/** Compiles a program of this folder's, which finds all by pkg-config. */
function build(name, ...flags) {
  const source = path.join(SOURCES, `${name}.cpp`)
  const found = flagsOf(installedPrefix())
  const all = ['-std=c++11', '-O1', '-pthread', ...WARNINGS, ...flags]
  execFileSync('g++', [...all, source, '-o', built(name), ...found])
}

describe('the C++ header', function cpp() {
  this.timeout(LONG_MS)
  const ring = useRing()

  before(() => {
    work = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-cpp-'))
    build('edges', ...SANITIZED)
  })

  after(() => fs.rmSync(work, { recursive: true, force: true }))

  /** The lines of `edges`, in one object. */
  async function edges(...words) {
    const env = { ...environment(), UBSAN_OPTIONS: 'halt_on_error=1' }
    const peer = new Peer(built('edges'), words, { env })
    await peer.result()
    return peer.lines
  }

  for (const standard of STANDARDS) {
    it(`compiles as ${standard} without a warning, in two files of a program`, () => {
      const include = path.join(installedPrefix(), 'include')
      const files = ['one', 'two'].map((name) => {
        const file = built(`${name}.cpp`)
        const main = name === 'one' ? 'int main() { return two(); }' : ''
        fs.writeFileSync(
          file,
          '#include <kindly-guard-ipc/kindly_guard_ipc.hpp>\n' +
            `int two();\n${main}\n` +
            (name === 'two'
              ? `int two() {
  try {
    kindly_guard::Writer writer;
    writer.write_all(std::vector<kindly_guard::Threat>(1));
    kindly_guard::Reader reader;
    reader.poll([](kindly_guard::Threat &&) { return false; },
                [](const kindly_guard::Loss &) {}, 0);
    return 0;
  } catch (const kindly_guard::Error &error) {
    return error.number();
  }
}\n`
              : '')
        )
        return file
      })
      const flags = [`-std=${standard}`, '-pthread', ...WARNINGS]
      const { status, stderr } = spawnSync(
        'g++',
        [
          ...[...flags, `-I${include}`, ...files, '-o', built('two')],
          ...flagsOf(installedPrefix())
        ],
        { encoding: 'utf8' }
      )
      assert.deepEqual([status, stderr], [0, ''])
    })
  }

  it('has handles that are moved, closed, stopped, and say so', async () => {
    const lines = await edges('handles', ring().dir)
    const [CLOSED, FINE] = ['ERR_CLOSED', 'fine']
    assert.deepEqual(
      lines.map((line) => Object.entries(line)[0]),
      [
        ['no ring', 'ERR_NO_RING'],
        ['second writer', 'ERR_RING_LOCKED'],
        ['NUL', 'ERR_INVALID_OPTION'],
        ['moved', FINE],
        ['moved from', CLOSED],
        ['large', 'ERR_EVENT_TOO_LARGE'],
        ['large batch', 'ERR_BATCH_TOO_LARGE'],
        ['half a batch', 'ERR_SYSTEM'],
        ['given', 'details 1'],
        ['next moved from', CLOSED],
        ['poll moved from', CLOSED],
        ['stop moved from', CLOSED],
        ['given', 'details 2'],
        ['stopped', 'yes'],
        ['closed', CLOSED],
        ['closed reader', CLOSED],
        ['closed poll', CLOSED]
      ]
    )
  })

  it('follows rings, and an event of any length is whole', async () => {
    const [yes, no] = [1, 0]
    assert.deepEqual(await edges('succession', ring().dir), [
      { threat: 1, bytes: 200_000, old: no },
      { ended: no },
      // Cut short, and no other one is there yet.
      { ended: no },
      { loss: 'replaced', from: 2, to: 2, old: yes },
      { threat: 1, bytes: 'details 3'.length, old: no },
      { ended: no }
    ])
  })

  it('stands behind what was given, and goes on there', async () => {
    assert.deepEqual(await edges('position', ring().dir), [
      // It holds two more, so there is nothing to wait for.
      { next: 2, armed: 0 },
      { sequence: 2 },
      { sequence: 3 }
    ])
  })

  it('loses no event that there was no memory for', async () => {
    const lines = await edges('memory', ring().dir)
    assert.equal(lines.length, 6)
    assert(
      lines.every(({ bytes }) => bytes === 200_000),
      JSON.stringify(lines)
    )
    // The slots, what is joined from them, and the text.
    assert(lines.filter(({ failed }) => failed === 1).length >= 3)
  })

  it('says in which pages a ring is, by the word of the kernel', async () => {
    const lines = await edges('pages', ring().dir)
    const { writer, reader, ...codes } = Object.assign({}, ...lines)
    for (const { file, page, resident, huge, nodes, onNodes } of [
      writer,
      reader
    ]) {
      assert.equal(page % 4096, 0)
      assert(resident > 0 && resident <= file)
      assert.equal(huge, 0)
      // A kernel without NUMA names no node.
      assert.equal(onNodes, nodes === 0 ? 0 : resident)
    }
    assert.deepEqual(codes, {
      'forked writer': 'ERR_FORKED',
      'forked reader': 'ERR_FORKED',
      required: 'ERR_HUGE_PAGES',
      'first node': 1,
      'no such node': 'ERR_NUMA_NODE',
      'closed writer': 'ERR_CLOSED',
      'closed reader': 'ERR_CLOSED'
    })
  })

  it('reads and writes rings that somebody damages meanwhile', async () => {
    const [line] = await edges('hostile', ring().dir, String(HOSTILE_ROUNDS))
    assert(line.read > HOSTILE_ROUNDS)
    assert(line.refused > 0)
  })

  describe('in programs', () => {
    before(() => build('peer'))

    it('reads what Node deflated', async () => {
      const long = 'x忽'.repeat(50_000)
      const writer = ring().writer({ maxEvents: 4096 })
      writer.writeThreat(threat(long))
      assert(writer.stats().bytes < long.length)
      const peer = new Peer(built('peer'), ['print', ring().dir], {
        env: environment()
      })
      const { details, cut } = await peer.result()
      assert(details === long)
      assert.equal(cut, false)
    })

    testPeer('C++', () => ({ command: built('peer'), env: environment() }))
  })
})
