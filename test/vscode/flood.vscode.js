'use strict'
// Floods in the editor: nothing of weight is hidden by one, and the editor goes on
// working. Times are printed and not asserted, since they are this machine's.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { usePlace } = require('./place.js')
const { countIn } = require('./window.js')
const { sleep, until } = require('../helpers/wait.js')

const CRITICAL = 20
const BETWEEN = 50_000 // threats in front of each of them
const TOTAL = CRITICAL * (BETWEEN + 1)
const PER_SECOND = 50_000
const SINGLE = 60
const SINGLE_MS = 250
const PALETTES = 8
const PALETTE_MS = 500
const UPDATES_PER_SECOND = 20
const FLOOD_MS = 300_000
const WHEEL = 200 // pixels: less than a list shows

function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (part) => sorted[Math.floor(part * (sorted.length - 1))].toFixed(1)
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, most ${at(1)} ms (${values.length})`
}

/** What a tooltip says of losses, as people write numbers. */
const lostIn = (text) =>
  Number(/; (\d{1,3}(?:,\d{3})*) lost/.exec(text)[1].replaceAll(',', ''))

describe('in the editor, in two windows', () => {
  const place = usePlace()
  let probe

  beforeEach(() => {
    probe = undefined
  })

  async function edit() {
    const editor = await place.edit()
    probe = editor.env.KG_PROBE
    const windows = await place.openTwo()
    const shield = await place.shield()
    await Promise.all(windows.map((each) => each.shows(/^shm live/)))
    return { windows, shield }
  }

  /** The longest pauses of the hosts' event loops since a time, in ms. */
  const stallsSince = (time) =>
    fs
      .readFileSync(probe, 'utf8')
      .split('\n')
      .map((line) => line.split(' ').map(Number))
      .filter(([at, , stall]) => at > time && stall > 0)
      .map(([, , stall]) => stall)

  async function palettes(shown, goOn) {
    const times = []
    for (let count = 0; count < PALETTES || goOn(); count++) {
      times.push(await shown.openPalette())
      await shown.closePalette()
      await sleep(PALETTE_MS)
    }
    return times
  }

  /** A million, with some that matter among them, while a user works. */
  async function flood(shield, windows, pace) {
    const began = Date.now()
    let isOver = false
    const published = (async () => {
      for (let each = 0; each < CRITICAL; each++) {
        await shield.publish(BETWEEN, {}, pace)
        await shield.publish(1, { severity: 'Critical' })
      }
      isOver = true
    })()
    const times = await palettes(windows[0], () => !isOver)
    await published
    const seconds = (Date.now() - began) / 1000
    return { times, began, seconds }
  }

  /** Counted and lost are all that there were, and all Critical ones came. */
  async function mustHaveAll(shown, before, critical) {
    await until(
      async () => {
        const text = await shown.tooltipText()
        return countIn(await shown.status()) + lostIn(text) === before + TOTAL
      },
      'received and lost are all',
      FLOOD_MS
    )
    assert.match(
      await shown.tooltipText(),
      new RegExp(`\\b${critical} Critical`)
    )
  }

  it('a threat alone is seen at once, and the extension starts fast', async () => {
    const { windows, shield } = await edit()
    const [shown] = windows
    const given = []
    for (let count = 1; count <= SINGLE; count++) {
      given.push(await shield.publish(1))
      await sleep(SINGLE_MS)
    }
    await Promise.all(windows.map((each) => each.showsCount(SINGLE)))
    const seen = await shown.seen()
    const latencies = given.flatMap((at, index) => {
      const entry = seen.find(
        ({ text }) => /·/.test(text) && countIn(text) === index + 1
      )
      return entry === undefined ? [] : [entry.at - at]
    })
    place.print(`writeThreat to the status bar: ${quantiles(latencies)}`)
    await shown.run('Developer: Show Running Extensions')
    const list = shown.page.locator('.runtime-extensions-editor')
    const row = list.locator('.extension', { hasText: 'Kindly Guard Threats' })
    // The slowest comes first, and what is out of sight is not in the page.
    await list.hover()
    await until(async () => {
      await shown.page.mouse.wheel(0, WHEEL)
      return (await row.count()) > 0
    }, 'the extension among those that run')
    const [time] = /Activation:[^\n]*/i.exec(await row.innerText()) ?? ['?']
    place.print(`the extension itself: ${time}`)
    await shown.screenshot('running-extensions')
  })

  for (const [what, pace] of [
    [`${PER_SECOND} a second`, { perSecond: PER_SECOND }],
    ['as fast as they can', {}]
  ]) {
    it(`a million threats, ${what}, hide no Critical one`, async () => {
      const { windows, shield } = await edit()
      const quiet = Date.now()
      const calm = await palettes(windows[0], () => false)
      const control = stallsSince(quiet)
      const { times, began, seconds } = await flood(shield, windows, pace)
      const stalls = stallsSince(began)
      for (const shown of windows) {
        await mustHaveAll(shown, 0, CRITICAL)
      }
      place.print(`${Math.round(TOTAL / seconds)} threats a second`)
      place.print(`palette before: ${quantiles(calm)}`)
      place.print(`palette during: ${quantiles(times)}`)
      place.print(`pauses of the host before: ${quantiles(control)}`)
      place.print(`pauses of the host during: ${quantiles(stalls)}`)
      for (const shown of windows) {
        const updates = (await shown.seen()).filter(
          ({ at }) => at >= began && at < began + seconds * 1000
        )
        const perSecond = updates.length / seconds
        place.print(`updates: ${perSecond.toFixed(1)} a second`)
        assert.ok(perSecond <= UPDATES_PER_SECOND, `${perSecond}`)
        place.print(`lost: ${lostIn(await shown.tooltipText())}`)
      }
      await windows[0].screenshot(`flood-${pace.perSecond ?? 'unpaced'}`)
    })
  }
})
