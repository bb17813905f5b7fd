'use strict'
// What makes threats late: how the CPU saves power, and how long one takes.

const { formatMicros } = require('../format.js')
const { note, ok, wrong } = require('./finding.js')

const CPUS = '/sys/devices/system/cpu'
const PAGES = '/sys/kernel/mm/transparent_hugepage/shmem_enabled'
// What is promised where the machine's own wake-up allows it, in microseconds.
const SOON = 100

const FASTER =
  'cpupower frequency-set -g performance (or power-profilesctl set ' +
  'performance) tells what it is worth; it costs power.'

// With these drivers `powersave` is what adapts to the load.
const ADAPTIVE = /^(intel_pstate|amd-pstate-epp|amd_pstate_epp)$/

/** @param {import('./system.js').System} system */
function governor(system) {
  if (system.platform !== 'linux') return null
  const read = (cpu, name) =>
    system.text(`${CPUS}/${cpu}/cpufreq/${name}`)?.trim()
  const cpus = system.list(CPUS).filter((name) => /^cpu\d+$/.test(name))
  const names = cpus.map((cpu) => {
    const name = read(cpu, 'scaling_governor')
    const isAdaptive = ADAPTIVE.test(read(cpu, 'scaling_driver') ?? '')
    const wish = read(cpu, 'energy_performance_preference')
    return name === 'powersave' && isAdaptive && wish !== 'power'
      ? 'powersave (adaptive)'
      : name
  })
  const known = [...new Set(names.filter(Boolean))]
  if (known.length === 0) {
    return ok(
      'governor',
      'no CPU governor is told here; a virtual machine has that of its host'
    )
  }
  const text = `the CPU governor is ${known.join(', ')}`
  const isSlow = known.some((name) => /^(powersave|conservative)$/.test(name))
  return isSlow
    ? note('governor', `${text}, which wakes slowly`, FASTER, { known })
    : ok('governor', text, undefined, { known })
}

/** @param {import('./system.js').System} system */
function hugePages(system) {
  if (system.platform !== 'linux') return null
  const chosen = /\[(\w+)\]/.exec(system.text(PAGES) ?? '')?.[1]
  if (chosen === undefined) {
    return ok('huge-pages', 'the kernel has no huge pages for shared memory')
  }
  const text = `huge pages for shared memory: ${chosen}`
  return chosen === 'force' || chosen === 'always'
    ? note(
        'huge-pages',
        `${text}, so a small ring takes 2 MiB more`,
        'A ring of a usual size does not gain by it; advise is the usual choice.'
      )
    : ok('huge-pages', `${text}; a ring of a usual size needs none`)
}

/**
 * @param {() => Promise<{ p50: number, p90: number, p99: number, max: number,
 *   events: number }>} measure in a ring of its own
 */
async function latency(measure) {
  let figures
  try {
    figures = await measure()
  } catch (error) {
    return wrong('latency', `it could not be measured: ${error.message}`)
  }
  const { events, p50, p90, p99, max } = figures
  const text =
    `of ${events} threats within a second, in a ring of its own: median ` +
    `${formatMicros(p50)}, p90 ${formatMicros(p90)}, ` +
    `p99 ${formatMicros(p99)}, max ${formatMicros(max)}`
  const facts = { events, p50, p90, p99, max }
  return p50 <= SOON
    ? ok('latency', text, undefined, facts)
    : note(
        'latency',
        text,
        `A median above ${SOON} µs: the machine is busy, saves power, or is ` +
          'virtual. latency: low keeps a reader awake; see "High latency" in ' +
          'docs/troubleshooting.md.',
        facts
      )
}

module.exports = { governor, hugePages, latency }
