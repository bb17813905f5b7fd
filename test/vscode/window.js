'use strict'
// One window of the editor, in a headless browser: what is shown in it, and what a
// user does.

/* global document, MutationObserver, requestAnimationFrame, window */

const path = require('node:path')
const { browser, driver } = require('./install.js')
const { until } = require('../helpers/wait.js')

const SHOWN_MS = 90_000
const STATUS = '[id="kindly-guard.kindly-guard-threats.kindlyGuard"]'
const ROW = '.pane-body .monaco-list-row'
const TOAST = '.notification-list-item'
const HOVER = '.workbench-hover-container .monaco-hover'
const PALETTE = '.quick-input-widget'

const ARGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic'],
  ...['--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
  // Nothing but this machine is asked for anything.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'
]

const openBrowser = () =>
  driver().chromium.launch({ executablePath: browser(), args: ARGS })

// Runs in the page: what the status bar said when, by this machine's clock.
function recordStatus(selector) {
  const seen = []
  window.kindlyGuardSeen = seen
  const look = () => {
    const text = document.querySelector(selector)?.textContent
    if (text !== undefined && text !== seen.at(-1)?.text) {
      seen.push({ text, at: performance.timeOrigin + performance.now() })
      window.kindlyGuardTell?.(text)
    }
  }
  const begin = () => {
    const bar = document.querySelector('.statusbar')
    if (bar === null) {
      requestAnimationFrame(begin)
      return
    }
    const changes = { characterData: true, childList: true, subtree: true }
    new MutationObserver(look).observe(bar, changes)
    look()
  }
  begin()
}

/** How many threats a text of the status bar tells. */
const countIn = (text) => Number(text.split(' · ')[1].replaceAll(',', ''))

class Window {
  #screenshots

  /** What the status bar showed last, be the page gone or not. */
  last = ''

  /**
   * @param {object} page
   * @param {string} screenshots a folder
   */
  constructor(page, screenshots) {
    this.page = page
    this.#screenshots = screenshots
  }

  /**
   * @param {object} chromium
   * @param {import('./editor.js').Editor} editor
   * @param {string} folder the name of its workspace
   * @param {string} screenshots a folder
   */
  static async open(chromium, editor, folder, screenshots) {
    const context = await chromium.newContext({
      viewport: { width: 1200, height: 800 }
    })
    const made = new Window(await context.newPage(), screenshots)
    made.page.setDefaultTimeout(SHOWN_MS)
    await made.page.exposeFunction('kindlyGuardTell', (text) => {
      made.last = text.trim()
    })
    await made.page.addInitScript(
      `(${recordStatus})(${JSON.stringify(STATUS)})`
    )
    await made.page.goto(`${editor.origin}/?folder=${editor.dir(folder)}`)
    await made.page.waitForSelector(STATUS)
    return made
  }

  close() {
    return this.page.context().close()
  }

  /** @returns {Promise<string>} of the status bar, without icons */
  async status() {
    const item = await this.page.$(STATUS)
    return (await item?.textContent())?.trim() ?? ''
  }

  /** @param {RegExp} pattern of the status bar */
  shows(pattern) {
    let last
    return until(
      async () => pattern.test((last = await this.status())),
      `the status bar shows ${pattern}`,
      SHOWN_MS
    ).catch((error) => {
      error.message += `, but ${last}`
      throw error
    })
  }

  /** @param {number} count of threats */
  showsCount(count) {
    return this.shows(new RegExp(`· ${count.toLocaleString('en')}( ·|$)`))
  }

  /** What the status bar showed since the page was loaded, and when. */
  seen() {
    return this.page.evaluate(() => window.kindlyGuardSeen)
  }

  /** The tooltip of an element. */
  async tooltip(selector = STATUS, index = 0) {
    await this.page.mouse.move(600, 300)
    await until(
      async () => (await this.page.locator(HOVER).count()) === 0,
      'no tooltip'
    )
    await this.page.locator(selector).nth(index).hover({ force: true })
    const hover = this.page.locator(HOVER).first()
    await hover.waitFor()
    return hover
  }

  async tooltipText(...of) {
    return (await this.tooltip(...of)).innerText()
  }

  /** The rows of the list of threats. */
  rows() {
    return this.page
      .locator(ROW)
      .evaluateAll((rows) => rows.map((row) => row.innerText.trim()))
  }

  /** @returns {Promise<string[]>} the messages that are shown */
  toasts() {
    return this.page
      .locator(`${TOAST} .notification-list-item-message`)
      .evaluateAll((all) => all.map((each) => each.innerText))
  }

  /** Opens the palette. @returns {Promise<number>} milliseconds until it showed */
  async openPalette() {
    const begin = performance.now()
    await this.page.keyboard.press('F1')
    await this.page.locator(`${PALETTE} .monaco-list-row`).first().waitFor()
    return performance.now() - begin
  }

  async closePalette() {
    await this.page.keyboard.press('Escape')
    await this.page.locator(PALETTE).waitFor({ state: 'hidden' })
  }

  /** Runs a command by its title. */
  async run(title) {
    await this.openPalette()
    await this.choose(title)
    await this.page.locator(PALETTE).waitFor({ state: 'hidden' })
  }

  /** Types what is to be chosen of what is offered, and chooses it. */
  async choose(title) {
    await this.page.keyboard.type(title)
    const row = this.page.locator(`${PALETTE} .monaco-list-row`, {
      hasText: title
    })
    await row.first().waitFor()
    await this.page.keyboard.press('Enter')
  }

  /**
   * As its user does, so that the extension is deactivated.
   * @returns {Promise<string>} what its status bar showed last
   */
  async reload() {
    // The extension's item comes long behind this event.
    const isLoaded = this.page.waitForEvent('load').then(() => this.last)
    await this.run('Developer: Reload Window')
    const last = await isLoaded
    await this.page.waitForSelector(STATUS)
    return last
  }

  screenshot(name) {
    const file = path.join(this.#screenshots, `${name}.png`)
    return this.page.screenshot({ path: file })
  }
}

module.exports = { countIn, openBrowser, ROW, STATUS, TOAST, Window }
