'use strict'
// A terminal that a program has for itself, and gives back as it was however the
// program ends or is stopped.

const ESC = '\u001b['
// The other screen, no cursor, no wrapping of lines; and the same undone.
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}?7l`
const LEAVE = `${ESC}?7h${ESC}?25h${ESC}?1049l`
const HOME = `${ESC}H`
const REST_OF_LINE = `${ESC}K`
const REST_OF_SCREEN = `${ESC}J`

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_Z = '\u001a'

// What is assumed of a terminal that does not say it.
const COLUMNS = 80
const ROWS = 24

class Screen {
  #stdin
  #stdout
  #isEntered = false
  #redraw = () => {}
  #undo = []

  /**
   * @param {import('node:tty').ReadStream} stdin
   * @param {import('node:tty').WriteStream} stdout a terminal
   */
  constructor(stdin, stdout) {
    this.#stdin = stdin
    this.#stdout = stdout
  }

  /**
   * Takes the terminal.
   * @param {object} how
   * @param {() => void} how.redraw it has another size, or is back
   * @param {() => void} how.quit somebody wants to end
   */
  open({ redraw, quit }) {
    this.#redraw = redraw
    this.#listen(process, 'exit', () => this.#leave())
    this.#listen(process, 'SIGTSTP', () => this.#suspend())
    this.#listen(process, 'SIGCONT', () => this.#resume())
    this.#listen(this.#stdout, 'resize', redraw)
    // The terminal is gone.
    this.#listen(this.#stdout, 'error', quit)
    if (this.#stdin.isTTY) {
      this.#listen(this.#stdin, 'data', (bytes) => this.#typed(bytes, quit))
      this.#listen(this.#stdin, 'end', quit)
      this.#listen(this.#stdin, 'error', quit)
    }
    this.#enter()
  }

  /** @returns {{ columns: number, rows: number }} */
  get size() {
    const { columns, rows } = this.#stdout
    return { columns: columns || COLUMNS, rows: rows || ROWS }
  }

  /** @param {string[]} lines as many as there are rows */
  draw(lines) {
    if (this.#isEntered) {
      const text = lines.map((line) => line + REST_OF_LINE).join('\r\n')
      this.#stdout.write(HOME + text + REST_OF_SCREEN)
    }
  }

  /** Gives the terminal back. */
  close() {
    this.#leave()
    for (const undo of this.#undo.splice(0)) undo()
    if (this.#stdin.isTTY) this.#stdin.pause()
  }

  #listen(emitter, event, listener) {
    emitter.on(event, listener)
    this.#undo.push(() => emitter.removeListener(event, listener))
  }

  #enter() {
    if (this.#isEntered) return
    this.#isEntered = true
    if (this.#stdin.isTTY) this.#stdin.setRawMode(true)
    this.#stdout.write(ENTER)
  }

  #leave() {
    if (!this.#isEntered) return
    this.#isEntered = false
    this.#stdout.write(LEAVE)
    try {
      if (this.#stdin.isTTY) this.#stdin.setRawMode(false)
    } catch {
      // The terminal is gone.
    }
  }

  /** Ctrl-Z: the shell gets its terminal as it was. */
  #suspend() {
    this.#leave()
    process.kill(process.pid, 'SIGSTOP')
  }

  #resume() {
    this.#enter()
    this.#redraw()
  }

  #typed(bytes, quit) {
    const keys = String(bytes)
    if (keys === CTRL_Z) {
      this.#suspend()
    } else if (['q', 'Q', CTRL_C, CTRL_D].some((key) => keys.includes(key))) {
      quit()
    }
  }
}

module.exports = { Screen }
