'use strict'
// What binding.gyp says, for a compiler that gyp does not know. The file is
// kept as JSON, and of gyp's language it uses `OS=='...'` alone.

const fs = require('node:fs')
const path = require('node:path')

const LISTS = [
  'sources',
  'defines',
  'cflags',
  'cflags_c',
  'cflags_cc',
  'ldflags'
]
const IS_SYSTEM = /^OS=='(\w+)'$/

/** The settings of a target and of the conditions that hold, joined. */
function collect(settings, system) {
  const lists = LISTS.map((key) => [key, settings[key] ?? []])
  const joined = Object.fromEntries(lists)
  for (const [condition, then, otherwise] of settings.conditions ?? []) {
    const named = IS_SYSTEM.exec(condition)?.[1]
    if (named === undefined) {
      throw new Error(`binding.gyp: "${condition}" is not understood`)
    }
    const holds = named === system ? then : otherwise
    if (holds === undefined) continue
    const more = collect(holds, system)
    for (const key of LISTS) joined[key] = [...joined[key], ...more[key]]
  }
  return joined
}

/**
 * @param {string} root the folder that binding.gyp stands in
 * @param {string} system such as `linux`
 * @returns {Record<string, string[]> & { name: string }} what to compile and how
 */
function readGyp(root, system) {
  const text = fs.readFileSync(path.join(root, 'binding.gyp'), 'utf8')
  const [target] = JSON.parse(text).targets
  return { name: target.target_name, ...collect(target, system) }
}

module.exports = { readGyp }
