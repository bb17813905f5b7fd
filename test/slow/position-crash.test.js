'use strict'
// A process that is killed while it saves its position leaves the old file or
// the new one, whatever it was just doing.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { useRing } = require('../helpers/ring.js')
const { sleep, until } = require('../helpers/wait.js')

const LIST = require.resolve('../helpers/list-source.js')
const KILLS = 20

/** Saves behind the third threat, then behind the seventh; before the call of
 * this number to the file system of the second, or in the middle of writing by
 * it, this process is killed. */
function saveTwice(_ipc, { list, file, at }) {
  const system = require('node:fs')
  const { openList } = require(list)
  const { stream } = openList(10)
  stream.poll(3)
  stream.savePosition(file)
  stream.poll(4)
  let calls = 0
  for (const name of Object.keys(system)) {
    const call = system[name]
    if (typeof call !== 'function' || !name.endsWith('Sync')) continue
    system[name] = (...values) => {
      if (++calls === at) {
        if (/^write/.test(name)) {
          call(values[0], values[1].slice(0, values[1].length / 2))
        }
        process.kill(process.pid, 'SIGKILL')
      }
      return call(...values)
    }
  }
  stream.savePosition(file)
  process.exit(0)
}

/** Saves for ever, each time another position. */
function saveForEver(_ipc, { list, file }) {
  const { openList } = require(list)
  const { stream } = openList(Number.MAX_SAFE_INTEGER)
  for (;;) {
    stream.poll(1)
    stream.savePosition(file)
  }
}

describe('a position that is being saved', () => {
  const current = useRing()
  let file

  beforeEach(() => {
    file = path.join(current().dir, 'storage', 'position.json')
  })

  /** What a window would find, or null. */
  function read() {
    let text
    try {
      text = fs.readFileSync(file, 'utf8')
    } catch (error) {
      assert.equal(error.code, 'ENOENT')
      return null
    }
    const { sequence, ...rest } = JSON.parse(text)
    assert.deepEqual(Object.keys(rest), ['version', 'generation', 'priority'])
    assert([5, sequence + 100].includes(rest.priority), text)
    return sequence
  }

  it('by one that is killed at each step: the old one or the new one', async () => {
    const seen = []
    for (let at = 1; ; at++) {
      fs.rmSync(path.dirname(file), { recursive: true, force: true })
      const argument = { list: LIST, file, at }
      const program = current().program(saveTwice, argument, { bare: true })
      const { code, signal, stderr } = await program.exited
      assert.equal(stderr, '')
      seen.push(read())
      if (code === 0) break
      assert.equal(signal, 'SIGKILL')
    }
    const steps = seen.length - 1
    assert(steps >= 5, `${steps} steps`)
    // In front of the renaming the old one, behind it the new one.
    const renamed = seen.indexOf(7)
    assert(renamed > 0, `${seen}`)
    assert(seen.slice(0, renamed).every((sequence) => sequence === 3))
    assert(seen.slice(renamed).every((sequence) => sequence === 7))
  })

  it('by one that is killed at any moment: whole, and never an earlier one', async () => {
    let last = 0
    for (let i = 0; i < KILLS; i++) {
      fs.rmSync(file, { force: true })
      const argument = { list: LIST, file }
      const program = current().program(saveForEver, argument, { bare: true })
      last = 0
      const look = () => {
        const sequence = read() ?? last
        assert(sequence >= last, `${sequence} behind ${last}`)
        last = sequence
        return sequence
      }
      await until(() => look() > 0 || !program.running, 'the first save')
      await sleep(i % 7)
      look()
      const { signal, stderr } = await program.kill()
      assert.equal(signal, 'SIGKILL', stderr)
      assert(look() > 0)
    }
  })
})
