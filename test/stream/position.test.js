'use strict'
// Where a stream stands when its position is saved: behind what was delivered.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { openList, turns } = require('../helpers/list-source.js')
const { useUncaught } = require('../helpers/uncaught.js')
const { turn, until } = require('../helpers/wait.js')

describe('a saved position', () => {
  const uncaught = useUncaught()
  let dir
  let file
  let stream
  let source

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), 'kindly-guard-position-'))
    file = path.join(dir, 'position.json')
    ;({ source, stream } = openList(25))
  })

  afterEach(async () => {
    await stream.close()
    fs.rmSync(dir, { recursive: true })
  })

  /** @returns {number} the sequence that the file has now */
  function saved() {
    assert.equal(stream.savePosition(file), true)
    return JSON.parse(fs.readFileSync(file, 'utf8')).sequence
  }

  it('is what stats() says, in a file', () => {
    stream.poll(7)
    assert.equal(saved(), 7)
    const { generation, sequence, priority } = stream.stats()
    assert.deepEqual(JSON.parse(fs.readFileSync(file, 'utf8')), {
      ...{ version: 1, generation, sequence, priority }
    })
    assert.deepEqual([generation, sequence, priority], ['first', 7, 107])
  })

  it('in a listener of threat: behind that one', async () => {
    const pairs = []
    stream.on('threat', ({ sequence }) => pairs.push([sequence, saved()]))
    await until(() => pairs.length === 25, 'all of them')
    for (const [sequence, position] of pairs) {
      assert.equal(position, sequence)
    }
  })

  it('in a listener of threats: behind the last of the list', async () => {
    const pairs = []
    stream.on('threats', (batch) => {
      pairs.push([batch.at(-1).sequence, saved()])
    })
    await until(() => stream.stats().sequence === 25, 'all of them')
    // Lists of ten at most, and less where a turn's time is over.
    assert(pairs.length >= 3)
    assert.equal(pairs.at(-1)[0], 25)
    for (const [sequence, position] of pairs) {
      assert.equal(position, sequence)
    }
  })

  it('while the promise of a callback is awaited: behind its threat', async () => {
    const pairs = []
    const controller = new AbortController()
    const { signal } = controller
    const polled = stream.pollThreats(
      async ({ sequence }) => {
        pairs.push([sequence, saved()])
        await turn()
        pairs.push([sequence, saved()])
      },
      { signal }
    )
    while (pairs.length < 50) await turn()
    controller.abort()
    await polled
    for (const [sequence, position] of pairs) {
      assert.equal(position, sequence)
    }
  })

  it('in a loop: behind the threat that its body has', async () => {
    let count = 0
    for await (const { sequence } of stream) {
      assert.equal(saved(), sequence)
      if (++count === 25) break
    }
    assert.equal(saved(), 25)
  })

  it('beside a watch: behind what its snapshot has counted', async () => {
    const watch = stream.watch({ everyMs: 60_000 })
    const told = []
    watch.on('update', ({ counts }) => told.push([counts.total, saved()]))
    await until(() => watch.snapshot().counts.total === 25, 'all of them')
    assert.equal(saved(), watch.snapshot().counts.total)
    assert.equal(saved(), 25)
    for (const [total, position] of told) assert.equal(position, total)
  })

  it('behind a listener that throws: its threat was delivered', async () => {
    stream.once('threat', () => {
      throw new Error('mistake')
    })
    await turns()
    assert.deepEqual(
      uncaught.splice(0).map(({ message }) => message),
      ['mistake']
    )
    assert.equal(saved(), 1)
  })

  it('behind close() and dispose(), too', async () => {
    stream.poll(12)
    await stream.close()
    assert.equal(saved(), 12)
    stream.dispose()
    assert.equal(saved(), 12)
  })

  it('that is not known leaves the file as it was', () => {
    stream.poll(3)
    assert.equal(saved(), 3)
    const before = fs.readFileSync(file, 'utf8')
    const none = openList(0)
    none.source.position = () => null
    assert.equal(none.stream.savePosition(file), false)
    assert.equal(fs.readFileSync(file, 'utf8'), before)
    const other = path.join(dir, 'other.json')
    assert.equal(none.stream.savePosition(other), false)
    assert.equal(fs.existsSync(other), false)
    return none.stream.close()
  })

  it('of which no priority is known is null', () => {
    source.position = () => ({ generation: 'first', next: 9 })
    assert.equal(saved(), 8)
    assert.equal(JSON.parse(fs.readFileSync(file, 'utf8')).priority, null)
  })

  it('goes into folders that it makes, for their owner alone', () => {
    file = path.join(dir, 'not', 'yet', 'position.json')
    assert.equal(saved(), 0)
    if (process.geteuid === undefined) return
    for (const made of [path.dirname(file), path.join(dir, 'not')]) {
      assert.equal(fs.statSync(made).mode & 0o777, 0o700)
    }
    assert.equal(fs.statSync(file).mode & 0o777, 0o600)
  })

  it('into a folder that others may read, as editors have them', () => {
    fs.chmodSync(dir, 0o755)
    assert.equal(saved(), 0)
  })

  it('removes what a window left that was killed, and nothing else', () => {
    const old = new Date(Date.now() - 3_600_000)
    const names = {
      left: `.position.json.${'0'.repeat(16)}.tmp`,
      fresh: `.position.json.${'1'.repeat(16)}.tmp`,
      other: `.other.json.${'0'.repeat(16)}.tmp`,
      mine: '.position.json.tmp'
    }
    for (const [what, name] of Object.entries(names)) {
      fs.writeFileSync(path.join(dir, name), '')
      if (what !== 'fresh') fs.utimesSync(path.join(dir, name), old, old)
    }
    saved()
    const { fresh, other, mine } = names
    assert.deepEqual(
      fs.readdirSync(dir).sort(),
      [fresh, other, mine, 'position.json'].sort()
    )
  })

  it('that cannot be written is an error, and leaves nothing', () => {
    fs.mkdirSync(file)
    fs.writeFileSync(path.join(dir, 'plain'), '')
    for (const place of [
      file,
      path.join(dir, 'plain', 'position.json'),
      path.join(dir, 'plain', 'x', 'position.json')
    ]) {
      assert.throws(() => stream.savePosition(place), {
        name: 'IpcError',
        message: new RegExp(`${path.basename(path.dirname(place))}`)
      })
    }
    assert.throws(() => stream.savePosition(file), { code: 'ERR_UNSAFE_PATH' })
    assert.deepEqual(fs.readdirSync(dir).sort(), ['plain', 'position.json'])
  })

  it('needs the path of a file', () => {
    for (const wrong of [
      undefined,
      null,
      5,
      '',
      'a\0b',
      new URL('file:///x')
    ]) {
      assert.throws(() => stream.savePosition(wrong), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARGUMENT',
        message: /^file: expected the path of a file, got /
      })
    }
  })
})
