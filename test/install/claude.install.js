'use strict'
// The plugin for Claude Code, from the tarball: Claude Code itself judges and
// installs it, and runs its hooks in a session; its commands run as Claude Code
// runs them. No account and no network is needed for that.

const assert = require('node:assert/strict')
const { fork, execFileSync, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { Place } = require('./place.js')
const { manager } = require('./tools.js')

const CLAUDE = '@anthropic-ai/claude-code@2.1.197'
const NOBODY = 'http://127.0.0.1:9'

// Publishes a threat of each severity that it is sent.
const SHIELD = `const { IpcFactory, loadConfig } = require('kindly-guard-ipc')
const options = { ...loadConfig(), websocket: { port: 0 } }
const shield = IpcFactory.createHybridTransport(options)
const write = (severity) =>
  shield.writeThreat({
    threatType: 'InjectionAttempt',
    severity,
    source: 'mcp <b>',
    details: 'do as I say'
  })
process.on('message', (severity) => {
  write(severity)
  process.send('written')
})
shield.ready().then(() => process.send('ready'))
`

describe('the plugin for Claude Code', () => {
  let place
  let plugin
  let claude
  let shield

  before(() => {
    const dir = path.join(process.env.KG_INSTALL_WORK, 'claude')
    fs.mkdirSync(dir)
    fs.writeFileSync(path.join(dir, 'package.json'), '{"private":true}')
    const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund']
    execFileSync('npm', [...args, '--loglevel=error', CLAUDE], {
      cwd: dir,
      stdio: ['ignore', 'ignore', 'inherit']
    })
    const scope = path.join(dir, 'node_modules/@anthropic-ai')
    claude = fs
      .readdirSync(scope)
      .map((name) => path.join(scope, name, 'claude'))
      .find((file) => fs.existsSync(file))
    assert.ok(claude, 'there is a Claude Code for this machine')
  })

  beforeEach(() => {
    place = new Place()
    place.depend()
    place.run([...manager('npm11'), 'install'])
    const installed = path.join(place.dir, 'node_modules/kindly-guard-ipc')
    plugin = path.join(installed, 'examples/claude-code-plugin')
    Object.assign(place.env, {
      PATH: `${path.join(place.dir, 'node_modules/.bin')}:${place.env.PATH}`,
      // Where neither another test nor a Shield of this machine is.
      KINDLY_GUARD_IPC_DIR: path.join(place.home, 'ring'),
      DISABLE_TELEMETRY: '1',
      DISABLE_AUTOUPDATER: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
      ANTHROPIC_API_KEY: 'none',
      ANTHROPIC_BASE_URL: NOBODY
    })
    fs.mkdirSync(place.env.KINDLY_GUARD_IPC_DIR, { mode: 0o700 })
    shield = null
  })

  afterEach(async () => {
    if (shield === null) return
    const ended = once(shield, 'exit')
    shield.kill('SIGKILL')
    await ended
  })

  async function startShield() {
    shield = fork(place.write('shield.cjs', SHIELD), { env: place.env })
    assert.deepEqual((await once(shield, 'message'))[0], 'ready')
  }

  async function publish(severity) {
    shield.send(severity)
    await once(shield, 'message')
  }

  /** Runs a command line as Claude Code does, with JSON on stdin. */
  function runAs(command, input, env = {}) {
    const { status, stdout, stderr } = spawnSync('sh', ['-c', command], {
      cwd: place.dir,
      env: { ...place.env, ...env },
      input: JSON.stringify({ session_id: 'a', cwd: place.dir, ...input }),
      encoding: 'utf8'
    })
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
    return stdout
  }

  /** The answer of the plugin's hook to an event. */
  function hook(event, env = {}) {
    const file = path.join(plugin, 'hooks/hooks.json')
    const { hooks } = JSON.parse(fs.readFileSync(file, 'utf8'))
    const [{ hooks: commands }] = hooks[event]
    assert.equal(commands.length, 1)
    const input = { hook_event_name: event, tool_name: 'Bash', tool_input: {} }
    return runAs(commands[0].command, input, {
      CLAUDE_PLUGIN_ROOT: plugin,
      ...env
    })
  }

  const EVENTS = [
    ...['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PostToolUse'],
    'SessionEnd'
  ]

  it('pleases Claude Code, which sees what is wrong', () => {
    const manifest = path.join(plugin, '.claude-plugin/plugin.json')
    for (const what of [plugin, manifest]) {
      place.run([claude, 'plugin', 'validate', '--strict', what])
    }
    const broken = JSON.parse(fs.readFileSync(manifest, 'utf8'))
    broken.userConfig.tell.type = 'severity'
    fs.writeFileSync(manifest, JSON.stringify(broken))
    const args = ['plugin', 'validate', '--strict', manifest]
    const { status } = spawnSync(claude, args, { env: place.env })
    assert.equal(status, 1)
  })

  it('is installed as its README says, and its hooks run in a session', async () => {
    const readme = fs.readFileSync(path.join(plugin, 'README.md'), 'utf8')
    const lines = readme.match(/^claude plugin (marketplace add|install) .*$/gm)
    assert.equal(lines.length, 2)
    for (const line of lines) {
      const args = line.split(' ').slice(1)
      // In the README it stands in a clone.
      place.run([
        claude,
        ...args.map((word) => word.replace(/^\.\/examples\/.*/, plugin))
      ])
    }
    assert.match(place.run([claude, 'plugin', 'list']), /enabled/)

    await startShield()
    const session = spawnSync(
      claude,
      ['-p', 'hello', '--output-format', 'stream-json', '--verbose'],
      { cwd: place.dir, env: place.env, encoding: 'utf8', input: '' }
    )
    const events = session.stdout.trim().split('\n').map(JSON.parse)
    const init = events.find(({ subtype }) => subtype === 'init')
    assert.ok(init.slash_commands.includes('kindly-guard:threats'))
    const start = events.find(({ subtype }) => subtype === 'hook_response')
    assert.equal(start.hook_event, 'SessionStart')
    assert.deepEqual([start.exit_code, start.stderr], [0, ''])
  })

  it('tells what is new, and blocks by a setting', async () => {
    await startShield()
    assert.equal(hook('SessionStart'), '')
    await publish('Medium')
    assert.equal(hook('PostToolUse'), '')
    await publish('High')
    const told = JSON.parse(hook('UserPromptSubmit'))
    assert.match(told.systemMessage, /1 new: 1 High \(1 InjectionAttempt\)$/)
    const { additionalContext } = told.hookSpecificOutput
    assert.ok(additionalContext.includes('"mcp \\u003cb\\u003e"'))
    assert.equal(additionalContext.includes('do as I say'), false)

    const settings = { CLAUDE_PLUGIN_OPTION_BLOCK: 'High' }
    assert.equal(hook('PreToolUse', settings), '')
    await publish('Critical')
    assert.equal(hook('PreToolUse'), '')
    const denied = JSON.parse(hook('PreToolUse', settings))
    assert.equal(denied.hookSpecificOutput.permissionDecision, 'deny')
    hook('UserPromptSubmit')
    assert.equal(hook('PreToolUse', settings), '')
  })

  it('has a status line', async () => {
    const readme = fs.readFileSync(path.join(plugin, 'README.md'), 'utf8')
    const [, text] = /```json\n(\{\s*"statusLine".*?)```/s.exec(readme)
    const { statusLine } = JSON.parse(text)
    assert.equal(statusLine.type, 'command')
    const show = () => runAs(statusLine.command, { model: {}, version: '1' })
    assert.equal(show(), '')
    await startShield()
    assert.equal(show(), 'KindlyGuard shm | nothing unread\n')
    await publish('High')
    await publish('Low')
    assert.equal(show(), 'KindlyGuard shm | 2 unread: 1 High, 1 Low\n')
    const page = fs.readFileSync(
      path.join(plugin, 'commands/threats.md'),
      'utf8'
    )
    const [, command] = /^!`(.*)`$/m.exec(page)
    assert.match(runAs(command, {}), /^2 new: 1 High, 1 Low\.\nTypes: 2 Inj/)
    assert.equal(show(), 'KindlyGuard shm | nothing unread\n')
  })

  it('is silent without a Shield, and without the command', () => {
    for (const event of EVENTS) assert.equal(hook(event), '', event)
    const env = { CLAUDE_PLUGIN_OPTION_CLI: 'no-such-command' }
    for (const event of EVENTS) assert.equal(hook(event, env), '', event)
  })
})
