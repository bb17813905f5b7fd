'use strict'
// Windows of the editor that are reloaded, and hosts of extensions that are killed:
// each threat is in the count of one window, and is not lost.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { usePlace } = require('./place.js')
const { countIn } = require('./window.js')
const { sleep, until } = require('../helpers/wait.js')

const RELOADS = 10
const EACH = 50 // threats
const TRICKLE_MS = 50
const SETTLE_MS = 500 // several updates
const MEMORY_MARGIN = 1.3

/** Publishes some threats each second. @returns {Promise<number>} how many */
async function trickle(shield, signal) {
  let count = 0
  while (!signal.aborted) {
    await shield.publish(1)
    count++
    await sleep(TRICKLE_MS)
  }
  return count
}

/** Resolves when the status bar shows what it will show. */
async function settled(shown) {
  let before
  await until(async () => {
    const now = await shown.status()
    const isSame = now === before
    before = now
    await sleep(SETTLE_MS)
    return isSame
  }, 'a status bar that stays as it is')
}

/** The memory of a process, in MB. */
function memoryOf(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]) / 1024)
}

/** The position that the extension has saved: of one window there is one. */
function savedIn({ home }) {
  const root = path.join(home, 'data', 'User', 'workspaceStorage')
  const [file] = fs
    .readdirSync(root, { recursive: true })
    .filter((name) => path.basename(name) === 'position.json')
  return file === undefined
    ? 0
    : JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')).sequence
}

describe('in the editor, a window', () => {
  const place = usePlace()

  /** @returns {Promise<number>} the only one */
  async function onlyHost() {
    await until(() => place.editor.hosts().length === 1, 'one host', 60_000)
    return place.editor.hosts()[0]
  }

  it(`that is reloaded ${RELOADS} times takes over exactly, in flat memory`, async () => {
    await place.edit()
    const shield = await place.shield()
    const shown = await place.open('one')
    await shown.shows(/^shm live/)
    const memory = []
    const taken = [] // by old windows, behind what they showed last
    let begin = 0 // of the window that is there: the last threat before it
    let published = 0
    for (let reload = 1; reload <= RELOADS; reload++) {
      await shield.publish(EACH)
      published += EACH
      await shown.showsCount(published - begin)
      await until(() => savedIn(place.editor) === published, 'it was saved')
      // Half of them while threats come.
      if (reload % 2 === 0) {
        const stop = new AbortController()
        const coming = trickle(shield, stop.signal)
        const old = begin + countIn(await shown.reload())
        await shown.shows(/^shm live · [1-9]/)
        stop.abort()
        published += await coming
        await until(() => savedIn(place.editor) === published, 'all were saved')
        await settled(shown)
        begin = published - countIn(await shown.status())
        // Nothing that the old window had shown comes again.
        assert.ok(old <= begin, `${old} were shown, and those from ${begin}`)
        taken.push(begin - old)
      } else {
        await shown.reload()
        await shown.showsCount(0)
        begin = published
      }
      assert.match(await shown.tooltipText(), /; 0 lost/)
      memory.push(memoryOf(await onlyHost()))
    }
    place.print(
      `memory of the host behind each reload, MB: ${memory.join(' ')}`
    )
    assert.ok(memory.at(-1) <= memory[0] * MEMORY_MARGIN, memory.join(' '))
    place.print(
      `taken by old windows, and not shown any more: ${taken.join(' ')}`
    )
    await shown.screenshot('reloaded')
  })

  it('whose host is killed goes on where that stood', async () => {
    await place.edit()
    const shield = await place.shield()
    const shown = await place.open('one')
    await shown.shows(/^shm live/)
    await shield.publish(EACH)
    await shown.showsCount(EACH)
    await until(() => savedIn(place.editor) === EACH, 'it was saved')
    const host = await onlyHost()
    process.kill(host, 'SIGKILL')
    await shield.publish(EACH)
    await until(async () => (await onlyHost()) !== host, 'another host', 60_000)
    await until(
      () => savedIn(place.editor) === 2 * EACH,
      'it was saved',
      60_000
    )
    await shown.showsCount(EACH)
    assert.match(await shown.tooltipText(), /; 0 lost/)
    await shown.screenshot('host-killed')
  })
})
