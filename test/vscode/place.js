'use strict'
// What each test has: an editor, two windows of it, and Shields.

const fs = require('node:fs')
const path = require('node:path')
const { Editor } = require('./editor.js')
const { CACHE } = require('./install.js')
const { Shield } = require('./shield.js')
const { openBrowser, Window } = require('./window.js')

const SCREENSHOTS = path.join(CACHE, 'screenshots')
const { KG_VSCODE_PROBE: PROBE, KG_VSCODE_VSIX: VSIX } = process.env

/** For each test anew; everything that it started ends with it. */
function usePlace() {
  const place = {
    /** @param {object} [options] of Editor @returns {Promise<Editor>} */
    async edit(options) {
      place.editor = new Editor([VSIX, PROBE], options)
      await place.editor.start()
      return place.editor
    },
    /** @returns {Promise<Window>} */
    async open(folder) {
      const made = await Window.open(
        place.browser,
        place.editor,
        folder,
        SCREENSHOTS
      )
      place.windows.push(made)
      return made
    },
    /** @returns {Promise<Window[]>} two, one after the other */
    async openTwo() {
      return [await place.open('one'), await place.open('two')]
    },
    /** @returns {Promise<Shield>} */
    async shield(options) {
      const shield = await Shield.start(place.editor, options)
      place.shields.push(shield)
      return shield
    },
    /** What the time of this machine is, for people alone. */
    print(line) {
      console.log(`      ${line}`)
    }
  }

  before(() => fs.mkdirSync(SCREENSHOTS, { recursive: true }))

  beforeEach(async () => {
    Object.assign(place, { editor: null, shields: [], windows: [] })
    place.browser = await openBrowser()
  })

  afterEach(async function () {
    if (this.currentTest.state === 'failed') {
      for (const [at, each] of place.windows.entries()) {
        await each.screenshot(`failed-${at + 1}`).catch(() => {})
      }
    }
    await Promise.all(place.shields.map((shield) => shield.kill()))
    await place.browser.close()
    await place.editor?.stop()
  })

  return place
}

module.exports = { usePlace }
