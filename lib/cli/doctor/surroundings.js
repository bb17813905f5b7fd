'use strict'
// Where this process runs: what a container, a sandbox or a session does to the
// files that both ends have to share.

const { note, ok, wrong } = require('./finding.js')

const CONTAINERS = /\b(docker|kubepods|containerd|libpod|lxc|podman)\b/

/** @param {import('./system.js').System} system @returns how it is known */
function containerSign(system) {
  for (const file of ['/.dockerenv', '/run/.containerenv']) {
    if (system.look(file) !== null) return `there is ${file}`
  }
  const named = system.env.container ?? system.text('/run/systemd/container')
  if (named) return `it calls itself ${named.trim()}`
  const groups = system.text('/proc/1/cgroup') ?? ''
  const kind = CONTAINERS.exec(groups)?.[1]
  return kind === undefined ? null : `its control group is one of ${kind}`
}

/** @param {import('./system.js').System} system */
function container(system) {
  const sign = containerSign(system)
  return sign === null
    ? ok('container', 'this is no container, as far as can be seen')
    : note(
        'container',
        `this is a container (${sign}), which has a /dev/shm of its own`,
        'A Shield outside is reached over WebSocket: give the client ' +
          'websocket.url, or a socket that is mounted, and websocket.tokenFile ' +
          '(docs/guide-extension.md). Both in one container share memory.'
      )
}

/** @param {import('./system.js').System} system */
function wsl(system) {
  const release = system.text('/proc/sys/kernel/osrelease') ?? ''
  if (!/microsoft/i.test(release)) return null
  return note(
    'wsl',
    'this is Linux in Windows (WSL), whose memory no program of Windows shares',
    'Run both ends in WSL (the editor with its WSL extension), or give the ' +
      'client in Windows websocket.url and a copy of the discovery file.'
  )
}

/** Snap and flatpak. @param {import('./system.js').System} system */
function sandbox(system) {
  const { SNAP, SNAP_NAME, FLATPAK_ID } = system.env
  if (FLATPAK_ID || system.look('/.flatpak-info') !== null) {
    return note(
      'sandbox',
      `this runs in a flatpak (${FLATPAK_ID ?? 'without a name'}), which has a ` +
        '/dev/shm and an XDG_RUNTIME_DIR of its own',
      'Allow it the host’s: flatpak override --user --device=shm ' +
        '--filesystem=xdg-run/kindly-guard and the id of the application. Or ' +
        'give both ends one dir that it may use.'
    )
  }
  return SNAP && SNAP_NAME
    ? note(
        'sandbox',
        `this runs in a snap (${SNAP_NAME}), which may have a /dev/shm and an ` +
          'XDG_RUNTIME_DIR of its own',
        'Use a snap with classic confinement, as that of VS Code is, or give ' +
          'both ends one dir in a folder of the home that does not begin with ' +
          'a dot.'
      )
    : null
}

/** Who this is, when that is not who has logged in.
 * @param {import('./system.js').System} system */
function user(system) {
  const { SUDO_UID, SUDO_USER } = system.env
  if (system.uid !== 0 || !SUDO_UID || SUDO_UID === '0') return null
  return wrong(
    'user',
    `this runs as root by sudo, and root has rings of its own, which are not ` +
      `those of ${SUDO_USER ?? `user ${SUDO_UID}`}`,
    'Run it without sudo, as the user of the Shield and of the extension.'
  )
}

const SHM = '/dev/shm'
const LOGIND = 'systemd/logind.conf'

/** The files of logind's configuration in the order in which they count. */
function logindFiles(system) {
  const parts = new Map()
  // A later folder hides a file of the same name in an earlier one.
  for (const above of ['/usr/lib', '/run', '/etc']) {
    const dir = `${above}/${LOGIND}.d`
    for (const name of system.list(dir)) {
      if (name.endsWith('.conf')) parts.set(name, `${dir}/${name}`)
    }
  }
  const ordered = [...parts].sort(([a], [b]) => (a < b ? -1 : 1))
  return [`/etc/${LOGIND}`, ...ordered.map(([, file]) => file)]
}

function removesIpc(system) {
  let removes = true
  for (const file of logindFiles(system)) {
    const lines = (system.text(file) ?? '').matchAll(
      /^[ \t]*RemoveIPC[ \t]*=[ \t]*(\S+)/gim
    )
    for (const [, value] of lines) {
      removes = /^(yes|true|on|1|y|t)$/i.test(value)
    }
  }
  return removes
}

// Users below are the system's, whose files logind leaves alone.
const FIRST_USER = 1000

// What systemd itself asks for to know that it runs, and its logind's own.
const LOGIND_RUNS = ['/run/systemd/system', '/run/systemd/seats']

/**
 * Whether the end of a session takes the ring away.
 * @param {import('./system.js').System} system
 * @param {string} [dir] the option
 */
function removeIpc(system, dir = SHM) {
  const hasLogind = LOGIND_RUNS.every((each) => system.look(each) !== null)
  if (dir !== SHM && !dir.startsWith(`${SHM}/`)) return null
  const lingers = system.look(`/var/lib/systemd/linger/${system.user}`) !== null
  if (!hasLogind || system.uid === null) return null
  if (system.uid < FIRST_USER || lingers || !removesIpc(system)) {
    return ok('remove-ipc', 'the end of a session leaves /dev/shm as it is')
  }
  return note(
    'remove-ipc',
    'when your last session ends, systemd empties /dev/shm of what is yours ' +
      '(RemoveIPC=yes), the ring too',
    'A Shield that goes on makes the ring anew; what was unread is lost. To ' +
      'keep it: loginctl enable-linger, or RemoveIPC=no in ' +
      '/etc/systemd/logind.conf.'
  )
}

module.exports = { container, removeIpc, sandbox, user, wsl }
