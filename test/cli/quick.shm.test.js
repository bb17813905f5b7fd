'use strict'
// A status line is drawn anew all the time: what its command loads, and the words
// that it has for what came.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { Tally } = require('../../lib/cli/unread/count.js')
const {
  countText,
  lossText,
  statusLine,
  summary
} = require('../../lib/cli/unread/words.js')
const { CommandLine } = require('../helpers/command-line.js')
const { useRing } = require('../helpers/ring.js')

describe('a command that is called again and again', () => {
  const ring = useRing()
  const cli = new CommandLine()
  beforeEach(() => cli.setUp())
  afterEach(() => cli.tearDown())

  /** The files that a command has loaded, and whether `ws` is among them. */
  async function loads(args, input = '') {
    const list = path.join(cli.dir, 'loaded')
    const file = path.join(cli.dir, 'list.cjs')
    fs.writeFileSync(
      file,
      `process.on('exit', () => require('node:fs').writeFileSync(
        ${JSON.stringify(list)}, Object.keys(require.cache).join('\\n')))`
    )
    const child = cli.collect([...args, '--dir', ring().dir], {
      NODE_OPTIONS: `--require ${file}`,
      XDG_RUNTIME_DIR: cli.dir
    })
    child.process.stdin.end(input)
    const { code, stderr } = await child.ended
    assert.deepEqual([code, stderr], [0, ''])
    return fs.readFileSync(list, 'utf8')
  }

  const HOOK = JSON.stringify({ hook_event_name: 'PostToolUse' })
  for (const [name, input] of [
    ['unread', ''],
    ['claude-hook', HOOK]
  ]) {
    it(`${name} loads no server, no WebSocket, no TOML and no other command`, async () => {
      ring().writer()
      const loaded = await loads([name], input)
      assert.match(loaded, /[\\/]unread[\\/]count\.js$/m)
      assert.equal(
        /node_modules[\\/](ws|smol-toml)[\\/]|[\\/]benchmark[\\/]|websocket[\\/]server|cli[\\/](tail|check|top|doctor|publish)\.js$|shield-entry/m.test(
          loaded
        ),
        false,
        loaded
      )
    })
  }
})

describe('the words for what came', () => {
  const tallyOf = (...threats) => {
    const tally = new Tally()
    for (const threat of threats) tally.add(threat, 0)
    return tally
  }
  const threat = (severity, more = {}) => ({
    severity,
    threatType: 'PathTraversal',
    source: 'mcp',
    ...more
  })

  it('say the worst first', () => {
    const kinds = ['Low', 'Unknown', 'Critical', 'Medium', 'High', 'Low']
    const tally = tallyOf(...kinds.map((name) => threat(name)))
    assert.equal(
      countText(tally),
      '6 unread: 1 Critical, 1 High, 1 Medium, 2 Low, 1 Unknown'
    )
    tally.isCut = true
    assert.match(countText(tally), /^6\+ unread/)
    assert.match(summary(tally)[0], /^more than 6 new: /)
  })

  it('count a severity without a name by its number', () => {
    const tally = new Tally()
    tally.add(threat('Unknown', { severityCode: 9 }), 4)
    tally.add(threat('Unknown', { severityCode: 3 }), 4)
    tally.add(threat('Unknown'), 4)
    assert.equal(tally.total, 1)
  })

  it('have a few sources, each once', () => {
    const sources = ['a', 'a', 'b', 'c', 'd', 'e', 'f']
    const tally = tallyOf(...sources.map((source) => threat('Low', { source })))
    assert.match(summary(tally)[2], /: "a", "b", "c", "d", "e"\.$/)
  })

  it('say what was lost, as far as it is known', () => {
    const tally = new Tally()
    assert.equal(lossText(tally), '')
    const loss = { count: 3, priority: 1, reason: 'overwritten' }
    tally.lose({ ...loss, reason: 'before-join' })
    assert.equal(lossText(tally), '')
    tally.lose(loss)
    tally.lose({ ...loss, priority: 0 })
    assert.equal(lossText(tally), '6 overwritten unread, 1 of them severe')
    assert.deepEqual(summary(tally), [
      'No new threats.',
      'Lost: 6 overwritten unread, 1 of them severe.'
    ])
    tally.lose({ count: null, priority: null, reason: 'replaced' })
    assert.equal(lossText(tally), 'an unknown number overwritten unread')
    tally.lose(loss)
    assert.equal(tally.lostPriority, null)
  })

  it('say how the Shield is, when it is not well', () => {
    const tally = new Tally()
    const line = (writer) => statusLine({ transport: 'shm', writer, tally })
    assert.equal(line('live'), 'KindlyGuard shm | nothing unread')
    assert.equal(line('stalled'), 'KindlyGuard shm, stalled | nothing unread')
  })
})
