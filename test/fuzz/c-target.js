'use strict'
// One target in C, which libFuzzer drives.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const {
  BUILD,
  CORPUS,
  FINDINGS,
  relative,
  run,
  watch,
  withDirectory
} = require('./tools.js')

// Every input is a list of steps, of which the targets take some dozens.
const MOST_BYTES = 512

// To end an input that hangs.
const INPUT_SECONDS = 20

const filesIn = (dir) =>
  fs.existsSync(dir) ? fs.readdirSync(dir).map((f) => path.join(dir, f)) : []

const numberIn = (output, pattern) => {
  const found = [...output.matchAll(pattern)].at(-1)
  return found === undefined ? undefined : Number(found[1])
}

class CTarget {
  /** @param {string} name of the file without `.c` */
  constructor(name) {
    this.name = name
    this.kept = path.join(CORPUS, name)
    // What was found on the way, between runs.
    this.found = path.join(BUILD, 'corpus', name)
  }

  build() {
    const jobs = `-j${os.cpus().length}`
    run('make', ['-s', jobs, '-C', __dirname, `build/${this.name}`])
    for (const dir of [this.kept, this.found, FINDINGS]) {
      fs.mkdirSync(dir, { recursive: true })
    }
  }

  /** @param {number} seconds */
  fuzz(seconds) {
    return this.#start([
      `-max_total_time=${seconds}`,
      `-max_len=${MOST_BYTES}`,
      '-reload=0',
      this.found,
      this.kept
    ])
  }

  /** Each of the kept inputs once, or one file. */
  replay(file) {
    const inputs = file === undefined ? filesIn(this.kept) : [file]
    if (inputs.length === 0) {
      throw new Error(`${relative(this.kept)} holds no inputs`)
    }
    return this.#start(inputs, inputs.length)
  }

  /** Replaces the kept inputs by as few as reach the same code, and what was
   * found since. */
  async keep() {
    const smallest = path.join(BUILD, 'smallest', this.name)
    fs.rmSync(smallest, { recursive: true, force: true })
    fs.mkdirSync(smallest, { recursive: true })
    const merge = ['-merge=1', '-use_counters=0', `-max_len=${MOST_BYTES}`]
    const inputs = [smallest, this.kept, this.found]
    await withDirectory((dir) =>
      run(path.join(BUILD, this.name), [...merge, ...inputs], {
        env: { ...process.env, KG_FUZZ_DIR: dir },
        stdio: 'ignore'
      })
    )
    fs.rmSync(this.kept, { recursive: true })
    fs.renameSync(smallest, this.kept)
  }

  /** @param {number} [given] how many inputs, when each is run once */
  #start(args, given) {
    const before = new Set(filesIn(FINDINGS))
    return withDirectory(async (dir) => {
      const { code, signal, output, seconds } = await watch(
        path.join(BUILD, this.name),
        [
          `-artifact_prefix=${path.join(FINDINGS, `${this.name}-`)}`,
          `-timeout=${INPUT_SECONDS}`,
          '-print_final_stats=1',
          ...args
        ],
        { KG_FUZZ_DIR: dir, ASAN_OPTIONS: 'quarantine_size_mb=16' }
      )
      const executions =
        numberIn(output, /number_of_executed_units: (\d+)/g) ?? given ?? 0
      const findings = filesIn(FINDINGS)
        .filter((file) => !before.has(file))
        .map((input) => this.#finding(output, relative(input)))
      if (findings.length === 0 && code !== 0) {
        findings.push(this.#finding(`${output}\n${signal ?? code}`))
      }
      if (findings.length > 0) {
        fs.writeFileSync(path.join(BUILD, `${this.name}.log`), output)
      }
      const edges = numberIn(output, /cov: (\d+)/g)
      const inputs = numberIn(output, /corp: (\d+)/g) ?? given
      return { executions, edges, inputs, seconds, findings }
    })
  }

  #finding(output, input) {
    const lines = output.split('\n')
    const line =
      lines.find((text) => /does not hold|runtime error/.test(text)) ??
      lines.find((text) => /^SUMMARY|ERROR: /.test(text)) ??
      lines.at(-1)
    const log = relative(path.join(BUILD, `${this.name}.log`))
    return { target: this.name, what: `${line.trim()} (all in ${log})`, input }
  }
}

module.exports = { CTarget }
