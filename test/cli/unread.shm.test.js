'use strict'
// `kindly-guard-ipc unread` and `claude-hook`: what is told of threats that came
// since, to whom, and once; and that nothing of it steers who reads it.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { CommandLine } = require('../helpers/command-line.js')
const { threat, useRing } = require('../helpers/ring.js')
const { until } = require('../helpers/wait.js')

const HOSTILE = '</x> `ls` & "ignore" \u202e\u001b[31m\n' + 'long '.repeat(40)
const SECRET = 'the details of an attacker'

describe('what came since', function () {
  this.timeout(30_000)
  const ring = useRing()
  const cli = new CommandLine()
  let writer

  beforeEach(() => {
    cli.setUp()
    fs.mkdirSync(path.join(cli.dir, 'run'), { mode: 0o700 })
  })
  afterEach(() => cli.tearDown())

  /** Runs a command on the test's ring, with a home of its own. */
  async function run(args, input = '', env = {}) {
    const child = cli.collect([...args, '--dir', ring().dir], {
      XDG_RUNTIME_DIR: path.join(cli.dir, 'run'),
      ...env
    })
    child.process.stdin.end(input)
    const { code, stdout, stderr } = await child.ended
    assert.equal(stderr, '')
    assert.equal(code, 0)
    return stdout
  }
  const unread = (...args) => run(['unread', ...args])
  const write = (severity, more = {}) =>
    writer.writeThreat(threat(SECRET, { severity, ...more }))
  const kept = () =>
    fs.readdirSync(path.join(cli.dir, 'run'), { recursive: true })

  describe('as a line', () => {
    beforeEach(() => {
      writer = ring().writer({ maxEvents: 16, priorityEvents: 0 })
      write('Critical')
    })

    it('begins with the first call, and counts until it is read', async () => {
      assert.equal(await unread(), 'KindlyGuard shm | nothing unread\n')
      write('Low')
      write('Critical')
      const line = 'KindlyGuard shm | 2 unread: 1 Critical, 1 Low\n'
      assert.equal(await unread(), line)
      assert.equal(await unread('--mark'), line)
      assert.equal(await unread(), 'KindlyGuard shm | nothing unread\n')
      write('High')
      assert.match(await unread(), /1 unread: 1 High$/m)
    })

    it('keeps what is read in a file of the user, or where it is told', async () => {
      await unread()
      const [dir, file] = kept()
      assert.equal(dir, 'kindly-guard')
      assert.match(file, /kindly-guard-[0-9a-f]{16}\.unread\.json$/)
      const own = path.join(cli.dir, 'own.json')
      await unread('--position', own)
      assert.equal(fs.statSync(own).mode & 0o777, 0o600)
      assert.equal(kept().length, 2)
      const beside = fs.readdirSync(ring().dir)
      assert.deepEqual(
        beside.filter((name) => name.endsWith('.json')),
        []
      )
    })

    it('begins anew where that file is damaged', async () => {
      const own = path.join(cli.dir, 'own.json')
      fs.writeFileSync(own, '{', { mode: 0o600 })
      write('High')
      assert.match(await unread('--position', own), /nothing unread/)
      write('High')
      assert.match(await unread('--position', own), /1 unread/)
    })

    it('counts from a severity on', async () => {
      await unread()
      for (const name of ['Low', 'Medium', 'High', 'Critical']) write(name)
      assert.match(await unread('--min-severity', 'high'), /2 unread: 1 Crit/)
      assert.match(await unread('--min-severity', 'Low'), /4 unread/)
      const { code, stderr } = await cli.run(['unread', '--min-severity', 'x'])
      assert.equal(code, 2)
      assert.match(stderr, /takes one of Low, Medium, High, Critical, not 'x'/)
    })

    it('tells what was overwritten before it was read', async () => {
      await unread()
      for (let i = 0; i < 40; i++) write('Low')
      const line = await unread()
      const [, read, lost] = /(\d+) unread: .* \| (\d+) overwritten/.exec(line)
      assert.equal(Number(read) + Number(lost), 40)
    })

    it('as JSON, and in sentences, without the details', async () => {
      await unread()
      write('High', { source: HOSTILE })
      const value = JSON.parse(await unread('--json'))
      assert.deepEqual(value, {
        transport: 'shm',
        writer: 'live',
        unread: 1,
        cut: false,
        bySeverity: { High: 1 },
        byType: { InjectionAttempt: 1 },
        lost: { count: 0, priority: 0 }
      })
      const text = await unread('--summary')
      const [first, types, sources] = text.split('\n')
      assert.equal(first, '1 new: 1 High.')
      assert.equal(types, 'Types: 1 InjectionAttempt.')
      assertHarmless(sources)
    })
  })

  /** A source of HOSTILE as one quoted word. */
  function assertHarmless(text) {
    const [, quoted] = /: ("(?:[^"\\]|\\.)*")\.$/.exec(text)
    const source = JSON.parse(quoted)
    assert.ok(source.startsWith('</x> `ls` & "ignore" \\u{202e}\\x1b[31m\\n'))
    assert.equal([...source].length <= 60 + 1, true)
    assert.equal(/[<>`&\u202e\n]/.test(quoted), false, quoted)
    assert.equal(text.includes(SECRET), false)
  }

  it('without a Shield says nothing, and makes nothing', async () => {
    assert.equal(await unread(), '')
    for (const event of ['SessionStart', 'UserPromptSubmit', 'PreToolUse']) {
      assert.equal(await hook(event, ['--block', 'Low']), '')
    }
    assert.deepEqual(kept(), [])
  })

  it('of a Shield that has ended says nothing', async () => {
    writer = ring().writer()
    await unread()
    await hook('SessionStart')
    write('High')
    await writer.close()
    assert.equal(await unread(), '')
    assert.equal(await hook('UserPromptSubmit'), '')
  })

  it('comes over WebSocket as well', async () => {
    const shield = ring().child()
    const options = {
      dir: ring().dir,
      preferShm: false,
      websocket: { port: 0 }
    }
    await shield.call(async (state, given) => {
      state.shield = state.ipc.IpcFactory.createTransport(given)
      await state.shield.ready()
    }, options)
    // A Shield that does not answer within a second is none for this call.
    const answer = (...args) => until(() => unread(...args), 'an answer')
    const nothing = 'KindlyGuard websocket | nothing unread\n'
    assert.equal(await answer(), nothing)
    await shield.call(
      (state, next) => state.shield.writeThreats([next, next, next]),
      threat(SECRET, { severity: 'Critical' })
    )
    const line = 'KindlyGuard websocket | 3 unread: 3 Critical\n'
    assert.equal(await unread('--transport', 'shm'), '')
    assert.equal(await answer('--mark'), line)
    assert.equal(await answer(), nothing)
  })

  /** What the hook answers, as Claude Code would ask. */
  function hook(event, args = [], { session = 'a', env, ...more } = {}) {
    const input = {
      session_id: session,
      hook_event_name: event,
      cwd: '/',
      tool_name: 'Bash',
      tool_input: { command: 'ls' },
      ...more
    }
    return run(['claude-hook', ...args], JSON.stringify(input), env)
  }

  describe('as a hook of Claude Code', () => {
    beforeEach(async () => {
      writer = ring().writer()
      write('Critical')
      assert.equal(await hook('SessionStart'), '')
    })

    it('is told once, from the chosen severity on, without details', async () => {
      write('Low')
      write('High', { source: HOSTILE })
      const { systemMessage, hookSpecificOutput } = JSON.parse(
        await hook('PostToolUse')
      )
      assert.equal(
        systemMessage,
        'KindlyGuard: 1 new: 1 High (1 InjectionAttempt)'
      )
      const { hookEventName, additionalContext } = hookSpecificOutput
      assert.equal(hookEventName, 'PostToolUse')
      const line = additionalContext
        .split('\n')
        .find((each) => each.startsWith('Sources'))
      assertHarmless(line)
      assert.match(additionalContext, /no instruction/)
      assert.equal(additionalContext.includes(SECRET), false)
      assert.equal(await hook('PostToolUse'), '')
      assert.equal(await hook('UserPromptSubmit'), '')
      write('Low')
      assert.equal(await hook('PostToolUse'), '')
      write('Low')
      assert.match(await hook('PostToolUse', ['--tell', 'low']), /1 new: 1 Low/)
    })

    it('is told to each session, and a session that goes on keeps its own', async () => {
      await hook('SessionStart', [], { session: 'b' })
      write('High')
      assert.equal(await hook('SessionStart', [], { source: 'resume' }), '')
      assert.match(await hook('UserPromptSubmit'), /1 new/)
      assert.match(
        await hook('UserPromptSubmit', [], { session: 'b' }),
        /1 new/
      )
    })

    it('blocks nothing unless it is told to', async () => {
      write('Critical')
      assert.equal(await hook('PreToolUse'), '')
      assert.equal(await hook('PreToolUse', ['--block', 'never']), '')
    })

    it('blocks every tool until the user has said something', async () => {
      const block = ['--block', 'High']
      assert.equal(await hook('PreToolUse', block), '')
      write('Medium')
      assert.equal(await hook('PreToolUse', block), '')
      write('High')
      await hook('PostToolUse', block)
      for (let tool = 0; tool < 2; tool++) {
        const { hookSpecificOutput } = JSON.parse(
          await hook('PreToolUse', block)
        )
        const { permissionDecision, permissionDecisionReason } =
          hookSpecificOutput
        assert.equal(hookSpecificOutput.hookEventName, 'PreToolUse')
        assert.equal(permissionDecision, 'deny')
        assert.match(permissionDecisionReason, /1 new: 1 High\./)
        assert.equal(permissionDecisionReason.includes(SECRET), false)
      }
      await hook('UserPromptSubmit', block)
      assert.equal(await hook('PreToolUse', block), '')
    })

    it('takes the settings of a plugin, and says what is wrong with them', async () => {
      const env = {
        CLAUDE_PLUGIN_OPTION_TELL: 'never',
        CLAUDE_PLUGIN_OPTION_BLOCK: 'critical'
      }
      write('Critical')
      assert.equal(await hook('PostToolUse', [], { env }), '')
      assert.match(await hook('PreToolUse', [], { env }), /"deny"/)
      const wrong = { CLAUDE_PLUGIN_OPTION_TELL: 'loud' }
      const { systemMessage } = JSON.parse(
        await hook('UserPromptSubmit', [], { env: wrong })
      )
      assert.match(systemMessage, /the setting tell takes one of .* not 'loud'/)
      assert.equal(await hook('PreToolUse', [], { env: wrong }), '')
    })

    it('tells what was lost, unless it is to tell nothing', async () => {
      await hook('SessionStart', [], { session: 'b' })
      for (let i = 0; i < 20_000; i++) write('Critical')
      const { systemMessage } = JSON.parse(await hook('PostToolUse'))
      assert.match(
        systemMessage,
        /; \d+ overwritten unread, \d+ of them severe$/
      )
      const never = ['--tell', 'never']
      const silent = await hook('UserPromptSubmit', never, { session: 'b' })
      assert.equal(silent, '')
    })

    it('leaves nothing of a session that has ended', async () => {
      assert.equal(kept().length, 3)
      await hook('SessionEnd', [], { session: '../a' })
      assert.deepEqual(kept(), ['kindly-guard'])
    })

    for (const [what, input] of [
      ['nothing', ''],
      ['no JSON', '{'],
      ['no object', '5'],
      ['null', 'null'],
      ['no event', '{}'],
      ['an event of later', '{"hook_event_name":"constructor"}'],
      [
        'an id that is none',
        '{"hook_event_name":"PostToolUse","session_id":[]}'
      ]
    ]) {
      it(`bears ${what} as its input`, async () => {
        assert.equal(await run(['claude-hook'], input), '')
      })
    }
  })
})
