'use strict'
// A machine that consists of what a test says, for the doctor.

/**
 * @param {object} given
 * @param {Record<string, string | object>} [given.files] text, or what look()
 *   gives; the directories above are made
 * @param {Record<string, string>} [given.links] for link(), and real()
 * @param {Record<string, object>} [given.spaces]
 * @param {object} [given.rest] of System
 * @returns {import('../../lib/cli/doctor/system.js').System}
 */
function fakeSystem({ files = {}, links = {}, spaces = {}, ...rest } = {}) {
  const names = [...Object.keys(files), ...Object.keys(links)]
  const isAbove = (dir) => names.some((name) => name.startsWith(`${dir}/`))
  return {
    platform: 'linux',
    env: {},
    uid: 1000,
    user: 'kim',
    home: '/home/kim',
    text: (file) => (typeof files[file] === 'string' ? files[file] : null),
    look(file) {
      const entry = files[file]
      if (typeof entry === 'object') {
        return { kind: 'directory', uid: 1000, mode: 0o700, size: 0, ...entry }
      }
      if (entry !== undefined) {
        return { kind: 'file', uid: 0, mode: 0o644, size: entry.length }
      }
      return isAbove(file)
        ? { kind: 'directory', uid: 0, mode: 0o755, size: 0 }
        : null
    },
    list: (dir) => [
      ...new Set(
        names
          .filter((name) => name.startsWith(`${dir}/`))
          .map((name) => name.slice(dir.length + 1).split('/')[0])
      )
    ],
    link: (file) => links[file] ?? null,
    real: (file) => links[file] ?? file,
    space: (dir) => spaces[dir] ?? null,
    ...rest
  }
}

module.exports = { fakeSystem }
