'use strict'
// What the example extension shows while Shields come, fail and go.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { usePlace } = require('./place.js')
const { TOAST } = require('./window.js')
const { RingFile } = require('../helpers/ring-file.js')
const { until } = require('../helpers/wait.js')

const SEVERITIES = ['Critical', 'High', 'Medium', 'Low']

describe('in the editor', () => {
  const place = usePlace()

  const both = (windows, action) => Promise.all(windows.map(action))

  it('both windows show all threats, by severity', async () => {
    await place.edit()
    const windows = await place.openTwo()
    const shield = await place.shield()
    for (const [at, severity] of SEVERITIES.entries()) {
      await shield.publish(at + 1, { severity })
    }
    await both(windows, (each) => each.showsCount(10))
    await both(windows, async (each) => {
      await each.run('Kindly Guard: Show Threats')
      await until(async () => (await each.rows()).length === 7, 'seven rows')
      const rows = await each.rows()
      assert.match(rows[0], /^Critical\s*1$/)
      assert.match(rows[1], /^PathTraversal in mcp\s*\.\.\/\.\.\/etc\/passwd$/)
      assert.match(rows[2], /^High\s*2$/)
      assert.match(rows[6], /^Low\s*4$/)
    })
    await windows[0].page.locator(TOAST).first().waitFor()
    await windows[0].screenshot('threats')
    assert.match(
      await windows[0].tooltipText(),
      /shm live[^]*1 Critical, 2 High, 3 Medium, 4 Low[^]*0 lost/
    )
    await windows[0].screenshot('status-tooltip')
    await windows[1].run('Kindly Guard: Clear')
    await windows[1].showsCount(0)
    await until(async () => (await windows[1].rows()).length === 0, 'no rows')
    await windows[1].screenshot('cleared')
    await windows[0].run('Kindly Guard: Open Latency Report')
    await windows[0].page.locator('.view-line', { hasText: 'p50' }).waitFor()
    await windows[0].screenshot('latency-report')
    await windows[1].run('Kindly Guard: Run Diagnostics')
    await windows[1].page
      .locator('.view-line', { hasText: 'generation' })
      .waitFor()
    await windows[1].screenshot('diagnostics')
  })

  it('the Shield comes behind the editor, is killed, stopped, and comes back', async () => {
    await place.edit()
    const windows = await place.openTwo()
    await both(windows, (each) => each.shows(/^connecting · 0/))
    assert.match(await windows[0].tooltipText(), /Start the Shield/)
    await windows[0].screenshot('no-shield')
    const first = await place.shield()
    await both(windows, (each) => each.shows(/^shm live/))
    await first.publish(10)
    await both(windows, (each) => each.showsCount(10))
    await first.kill()
    await both(windows, (each) => each.shows(/^shm gone/))
    await windows[0].screenshot('shield-killed')
    const second = await place.shield()
    await both(windows, (each) => each.shows(/^shm live/))
    await second.publish(10)
    await both(windows, (each) => each.showsCount(20))
    second.signal('SIGSTOP')
    await both(windows, (each) => each.shows(/^shm stalled/))
    assert.match(await windows[1].tooltipText(), /heartbeat is late/)
    await windows[1].screenshot('shield-stopped')
    second.signal('SIGCONT')
    await both(windows, (each) => each.shows(/^shm live/))
    await second.publish(10)
    await both(windows, (each) => each.showsCount(30))
  })

  it('the ring’s directory goes, becomes a file, and comes back', async () => {
    const { ringDir } = await place.edit()
    const windows = await place.openTwo()
    const shield = await place.shield()
    await shield.publish(10)
    await both(windows, (each) => each.showsCount(10))
    fs.rmSync(ringDir, { recursive: true })
    fs.writeFileSync(ringDir, '')
    await both(windows, (each) => each.shows(/^websocket live/))
    await shield.publish(10)
    await both(windows, (each) => each.showsCount(20))
    const websocket = await windows[0].tooltipText()
    assert.match(websocket, /websocket live/)
    // One reason, and not beside it what was so a moment before.
    assert.doesNotMatch(websocket, /\.\./)
    await windows[0].screenshot('websocket')
    fs.rmSync(ringDir)
    fs.mkdirSync(ringDir, { mode: 0o700 })
    await both(windows, (each) => each.shows(/^shm live/))
    await shield.publish(10)
    await both(windows, (each) => each.showsCount(30))
    assert.match(await windows[1].tooltipText(), /0 lost/)
  })

  const WRONG = {
    'a name of a wrong type': ['name', 5, /name: expected a string, got 5/],
    'a name out of range': ['name', '../x', /name: expected 1 to 64 letters/],
    'a number too large': ['keep', 1e9, /keep: expected a whole number from/],
    'a number of a wrong type': ['keep', '5', /keep: expected a number/],
    'a severity as number': ['minSeverity', 3, /minSeverity: expected 'Low'/],
    'an unknown preset': ['latency', 'x', /latency: expected 'idle'/],
    'an address elsewhere': ['websocket.url', 'http://example.org', /url/]
  }

  it('settings that are wrong: the tooltip says what to do', async () => {
    const { ringDir } = await place.edit()
    const right = { 'kindlyGuard.dir': ringDir }
    await place.shield()
    const shown = await place.open('one')
    await shown.shows(/^shm live/)
    for (const [what, [name, value, expected]] of Object.entries(WRONG)) {
      place.editor.write({ ...right, [`kindlyGuard.${name}`]: value })
      // A window reads them when it opens; a machine may watch no more files.
      await shown.reload()
      await shown.shows(/^Kindly Guard$/)
      const text = await shown.tooltipText()
      assert.match(text, expected, what)
      assert.match(text, /Correct the settings/, what)
      await shown.screenshot('wrong-setting')
    }
    place.editor.write(right)
    await shown.reload()
    await shown.shows(/^shm live/)
  })

  it('a Shield of another version: the tooltip says what to do', async () => {
    const { ringDir } = await place.edit()
    const file = path.join(ringDir, 'kindly-guard.shm')
    RingFile.create(file, { version: 99 }).close()
    const shown = await place.open('one')
    await shown.shows(/^connecting/)
    assert.match(await shown.tooltipText(), /Install the same version/)
    await shown.screenshot('other-version')
  })

  it('a ring of another user: the tooltip says what to do', async () => {
    const { ringDir } = await place.edit()
    fs.chownSync(ringDir, 65_534, 65_534)
    const shown = await place.open('one')
    await shown.shows(/^connecting/)
    assert.match(await shown.tooltipText(), /a directory of your own/)
    await shown.screenshot('other-user')
  })

  it('no addon: the tooltip says so, and threats come', async () => {
    await place.edit({ env: { KINDLY_GUARD_IPC_NO_NATIVE: '1' } })
    const shown = await place.open('one')
    const shield = await place.shield()
    await shown.shows(/^websocket live/)
    await shield.publish(10)
    await shown.showsCount(10)
    const text = await shown.tooltipText()
    assert.equal(text.split('KINDLY_GUARD_IPC_NO_NATIVE').length, 2, text)
    await shown.screenshot('no-addon')
  })
})
