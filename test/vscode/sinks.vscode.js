'use strict'
// What an attacker writes into a threat is text wherever the example extension
// shows it: nothing of it can be clicked, hides or reorders what is around it.

const assert = require('node:assert/strict')
const { usePlace } = require('./place.js')
const { ROW, TOAST } = require('./window.js')
const { until } = require('../helpers/wait.js')

const BIDI = '\u202e'
const HIDDEN = /[\u200b-\u200f\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u
const LINKS = [
  '[read](command:workbench.action.closeWindow)',
  '[read](https://example.org/a)',
  'https://example.org/b <a href="https://example.org/c">read</a>',
  '![x](https://example.org/d.png)',
  '$(error) $(sync~spin)'
]
const HOSTILE = `${BIDI}txt.exe \u200b${LINKS.join(' ')}\nline **bold** \`code\``

const LINKS_MS = 3000

// What the editor makes of a link, of an icon and of formatting.
const ACTIVE =
  'a[href], [data-href], img, .detected-link, .detected-link-active, .codicon-error, ' +
  '.codicon-sync, strong, em, code'

describe('in the editor, a threat with links, icons and bidi text', () => {
  const place = usePlace()

  /** @param {object} locator of what shows the threat */
  async function mustBeText(locator, { own = 0 } = {}) {
    const text = await locator.innerText()
    assert.match(text, /command:workbench/)
    assert.match(text, /\\u\{202e\}txt\.exe/)
    assert.doesNotMatch(text, HIDDEN)
    assert.equal(await locator.locator(ACTIVE).count(), own, text)
  }

  it('F87 is text in each place where it is shown', async () => {
    await place.edit()
    const shown = await place.open('one')
    const shield = await place.shield()
    await shown.run('Kindly Guard: Show Threats')
    await shield.publish(1, {
      severity: 'Critical',
      source: HOSTILE.slice(0, 60),
      details: HOSTILE,
      id: HOSTILE,
      context: { [HOSTILE]: HOSTILE }
    })
    await shown.showsCount(1)
    const toast = shown.page.locator(TOAST).first()
    await toast.waitFor()
    const message = toast.locator('.notification-list-item-message')
    await mustBeText(message)
    await until(async () => (await shown.rows()).length === 2, 'two rows')
    const row = shown.page.locator(ROW).nth(1)
    await mustBeText(row.locator('.monaco-icon-label'))
    await shown.screenshot('hostile-message-and-list')
    const hover = await shown.tooltip(ROW, 1)
    // The names of the fields are bold.
    const fields = await hover.locator('strong').count()
    await mustBeText(hover, { own: fields })
    assert.deepEqual(
      (await hover.locator('strong').allInnerTexts()).filter(
        (name) => !/^[a-zA-Z]+$/.test(name)
      ),
      []
    )
    await shown.screenshot('hostile-tooltip')
    assert.doesNotMatch(await shown.tooltipText(), HIDDEN)
    assert.doesNotMatch(await shown.status(), HIDDEN)
    await shown.openPalette()
    await shown.choose('Output: Show Output Channels')
    await shown.choose('Kindly Guard')
    const output = shown.page.locator('.output-view .view-lines')
    await output.locator('.view-line', { hasText: 'Critical' }).waitFor()
    // The editor looks for links behind a pause.
    await shown.page.waitForTimeout(LINKS_MS)
    await shown.screenshot('hostile-output')
    await mustBeText(output)
    // It was no command: the window is still there.
    await shown.showsCount(1)
  })
})
