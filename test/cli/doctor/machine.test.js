'use strict'
// What the doctor says of a machine: each finding on a machine where all is
// well, and on one where it is not.

const assert = require('node:assert/strict')
const { homedir } = require('node:os')
const { formatFindings } = require('../../../lib/cli/doctor.js')
const {
  directories,
  candidates,
  runtimeDirectory,
  sharedMemory
} = require('../../../lib/cli/doctor/places.js')
const { addon, settings } = require('../../../lib/cli/doctor/examine.js')
const {
  governor,
  hugePages,
  latency
} = require('../../../lib/cli/doctor/speed.js')
const {
  container,
  removeIpc,
  sandbox,
  user,
  wsl
} = require('../../../lib/cli/doctor/surroundings.js')
const { fakeSystem } = require('../../helpers/fake-system.js')

const MIB = 2 ** 20
const TMPFS = 0x01021994
const KERNEL = '/proc/sys/kernel/osrelease'
const SEATS = { '/run/systemd/seats': {}, '/run/systemd/system': {} }
const LOGIND = '/etc/systemd/logind.conf'
const CPU = '/sys/devices/system/cpu/cpu0/cpufreq'
const THP = '/sys/kernel/mm/transparent_hugepage/shmem_enabled'
const RUN = '/run/user/1000'

const shm = (bytes, free, type = TMPFS) => ({
  files: { '/dev/shm': { uid: 0, mode: 0o1777 } },
  spaces: { '/dev/shm': { type, bytes, free } }
})
const cpu = (scaling_governor, more = {}) => ({
  files: Object.fromEntries(
    Object.entries({ scaling_governor, ...more }).map(([name, value]) => [
      `${CPU}/${name}`,
      `${value}\n`
    ])
  )
})
const isSudo = { SUDO_UID: '1000', SUDO_USER: 'kim' }

// [what is so, who says it, the machine, its level (null: nothing is said), and
// what the words have in them]
const CASES = [
  ['no container', container, {}, 'ok', /no container/],
  ['docker', container, { files: { '/.dockerenv': '' } }, 'note', /dockerenv/],
  [
    'podman',
    container,
    { files: { '/run/.containerenv': '' } },
    'note',
    /containerenv/
  ],
  [
    'a container that says so',
    container,
    { env: { container: 'lxc' } },
    'note',
    /lxc/
  ],
  [
    'a pod',
    container,
    { files: { '/proc/1/cgroup': '0::/kubepods/pod1\n' } },
    'note',
    /kubepods/
  ],
  ['a kernel of its own', wsl, { files: { [KERNEL]: '6.1.0\n' } }, null],
  [
    'WSL',
    wsl,
    { files: { [KERNEL]: '5.15.1-microsoft-standard-WSL2\n' } },
    'note',
    /Windows/
  ],
  ['no sandbox', sandbox, {}, null],
  [
    'a snap',
    sandbox,
    { env: { SNAP: '/snap/code/1', SNAP_NAME: 'code' } },
    'note',
    /snap \(code\)/
  ],
  [
    'a flatpak',
    sandbox,
    { files: { '/.flatpak-info': '' }, env: { FLATPAK_ID: 'com.visual' } },
    'note',
    /flatpak \(com\.visual\)/
  ],
  ['no sudo', user, { uid: 0 }, null],
  ['sudo', user, { uid: 0, env: isSudo }, 'wrong', /those of kim/],
  ['sudo to another user', user, { uid: 5, env: isSudo }, null],
  ['no logind', removeIpc, {}, null],
  [
    'the folders of a logind that does not run',
    removeIpc,
    { files: { '/run/systemd/seats': {} } },
    null
  ],
  ['logind as it is', removeIpc, { files: SEATS }, 'note', /RemoveIPC=yes/],
  [
    'logind that is told not to',
    removeIpc,
    {
      files: { ...SEATS, [LOGIND]: '[Login]\n#RemoveIPC=yes\nRemoveIPC=no\n' }
    },
    'ok'
  ],
  [
    'logind that is told otherwise by a later file',
    removeIpc,
    {
      files: {
        ...SEATS,
        [LOGIND]: 'RemoveIPC=no\n',
        [`${LOGIND}.d/10-x.conf`]: 'RemoveIPC=no\n',
        [`/usr/lib/systemd/logind.conf.d/20-y.conf`]: 'RemoveIPC=yes\n'
      }
    },
    'note'
  ],
  [
    'a user who lingers',
    removeIpc,
    { files: { ...SEATS, '/var/lib/systemd/linger/kim': '' } },
    'ok'
  ],
  ['a user of the system', removeIpc, { files: SEATS, uid: 999 }, 'ok'],
  ['room in /dev/shm', sharedMemory, shm(1024 * MIB, 900 * MIB), 'ok', /900/],
  ['64 MiB', sharedMemory, shm(64 * MIB, 60 * MIB), 'note', /64 MiB/],
  [
    'a full one',
    sharedMemory,
    shm(1024 * MIB, MIB - 1),
    'wrong',
    /is full: 1\.0 MiB of 1024 MiB/
  ],
  ['no tmpfs', sharedMemory, shm(1e9, 1e9, 0xef53), 'note', /no tmpfs/],
  ['no /dev/shm', sharedMemory, {}, 'note', /there is no \/dev\/shm/],
  [
    'one of unknown size',
    sharedMemory,
    { files: { '/dev/shm': {} } },
    'note',
    /is not told/
  ],
  ['no session', runtimeDirectory, {}, 'ok', /home/],
  [
    'a session',
    runtimeDirectory,
    { files: { [RUN]: {} }, env: { XDG_RUNTIME_DIR: RUN } },
    'ok',
    /is \/run\/user\/1000$/
  ],
  [
    'cron beside a session',
    runtimeDirectory,
    { files: { [RUN]: {} } },
    'note',
    /not set, although there is/
  ],
  [
    'a session that is over',
    runtimeDirectory,
    { env: { XDG_RUNTIME_DIR: RUN } },
    'wrong',
    /which is not there/
  ],
  [
    'the session of another user',
    runtimeDirectory,
    {
      files: { '/run/user/7': { uid: 7 } },
      env: { XDG_RUNTIME_DIR: '/run/user/7' }
    },
    'wrong',
    /belongs to user 7/
  ],
  [
    'another directory than that of the session',
    runtimeDirectory,
    {
      files: { [RUN]: {}, '/tmp/run': {} },
      env: { XDG_RUNTIME_DIR: '/tmp/run' }
    },
    'note',
    /the session’s is/
  ],
  ['a virtual machine', governor, {}, 'ok', /no CPU governor/],
  ['performance', governor, cpu('performance'), 'ok', /is performance$/],
  ['schedutil', governor, cpu('schedutil'), 'ok', /is schedutil$/],
  ['powersave', governor, cpu('powersave'), 'note', /wakes slowly/],
  [
    'powersave of a driver that adapts',
    governor,
    cpu('powersave', {
      scaling_driver: 'intel_pstate',
      energy_performance_preference: 'balance_performance'
    }),
    'ok',
    /adaptive/
  ],
  [
    'that driver when it is to save power',
    governor,
    cpu('powersave', {
      scaling_driver: 'intel_pstate',
      energy_performance_preference: 'power'
    }),
    'note'
  ],
  ['no huge pages', hugePages, {}, 'ok', /no huge pages/],
  [
    'huge pages on advice',
    hugePages,
    { files: { [THP]: 'always within_size [advise] never deny force\n' } },
    'ok',
    /advise/
  ],
  [
    'huge pages always',
    hugePages,
    { files: { [THP]: '[always] within_size advise never deny force\n' } },
    'note',
    /2 MiB more/
  ],
  ['no settings', settings, { env: { HOME: '/' } }, null],
  [
    'settings',
    settings,
    { env: { KINDLY_GUARD_IPC_DIR: '/secret' } },
    'note',
    /has KINDLY_GUARD_IPC_DIR$/
  ]
]

describe('the doctor on a machine with', () => {
  for (const [what, find, machine, level, words = /./] of CASES) {
    it(`${what}: ${find.name} says ${level ?? 'nothing'}`, () => {
      const finding = find(fakeSystem(machine))
      assert.equal(finding?.level ?? null, level, JSON.stringify(finding))
      if (finding === null) return
      assert.match(finding.text, words)
      if (level === 'wrong') assert.ok(finding.advice)
    })
  }

  it('a ring elsewhere than in /dev/shm: removeIpc says nothing', () => {
    const system = fakeSystem({ files: SEATS })
    assert.equal(removeIpc(system, '/home/kim/ring'), null)
    assert.equal(removeIpc(system, '/dev/shm/ring').level, 'note')
  })

  it('another system: nothing that is only of Linux', () => {
    const system = fakeSystem({ platform: 'darwin' })
    const all = [sharedMemory, runtimeDirectory, governor, hugePages]
    assert.deepEqual(
      all.map((find) => find(system)),
      [null, null, null, null]
    )
    assert.deepEqual(directories(system, '/tmp'), [])
  })
})

describe('the doctor on directories', () => {
  const of = (files, dir, more = {}) =>
    directories(fakeSystem({ files, ...more }), dir).map(
      ({ level, text, advice }) => ({ level, text, advice })
    )
  const SHM = '/dev/shm/kindly-guard-1000'
  const TMP = '/tmp/kindly-guard-1000'

  it('looks in the places of the addon, in its order', () => {
    const env = {
      XDG_RUNTIME_DIR: '/tmp/run',
      TMPDIR: '/big',
      HOME: '/home/kim'
    }
    const files = {
      '/tmp/run': {},
      '/big': { uid: 0, mode: 0o1777 },
      '/home/kim': {}
    }
    assert.deepEqual(candidates(fakeSystem({ files, env })), [
      SHM,
      '/tmp/run/kindly-guard',
      '/run/user/1000/kindly-guard',
      '/big/kindly-guard-1000',
      TMP,
      '/home/kim/.kindly-guard/shm'
    ])
  })

  it('not in those that another user owns, or could exchange', () => {
    const env = {
      XDG_RUNTIME_DIR: '/run/user/7',
      TMPDIR: '/open',
      HOME: '/home/other'
    }
    const files = {
      '/run/user/7': { uid: 7 },
      '/open': { uid: 0, mode: 0o777 },
      '/home/other': { uid: 7 }
    }
    assert.deepEqual(candidates(fakeSystem({ files, env })), [
      SHM,
      '/run/user/1000/kindly-guard',
      TMP
    ])
  })

  for (const [what, entry, level, words] of [
    ['is safe', {}, 'ok', /yours alone/],
    ['is a link', { kind: 'link' }, 'wrong', /is a link/],
    ['is a file', { kind: 'file' }, 'wrong', /is no directory/],
    ['is of another user', { uid: 7 }, 'wrong', /belongs to user 7/],
    ['is open to others', { mode: 0o750 }, 'wrong', /open to others.*0750/],
    ['cannot be entered', { mode: 0o600 }, 'wrong', /lacks permissions/],
    ['is not there', null, 'note', /is not there/]
  ]) {
    it(`a dir that ${what}: ${level}`, () => {
      const [finding] = of(entry === null ? {} : { '/ring': entry }, '/ring')
      assert.equal(finding.level, level)
      assert.match(finding.text, words)
      assert.equal(finding.advice !== undefined, level !== 'ok')
    })
  }

  it('a default one that is squatted is passed over, and the next told', () => {
    const found = of({ [SHM]: { uid: 7 }, [TMP]: {} })
    assert.deepEqual(
      found.map(({ level }) => level),
      ['note', 'ok']
    )
    assert.match(found[0].text, /passed over/)
    assert.match(found[1].text, /^\/tmp\/kindly-guard-1000 is there/)
  })

  it('where all are squatted, something is wrong', () => {
    const runtime = '/run/user/1000/kindly-guard'
    const found = of({
      [SHM]: { uid: 7 },
      [TMP]: { uid: 7 },
      [runtime]: { kind: 'link' }
    })
    assert.deepEqual(
      found.map(({ level }) => level),
      ['wrong', 'wrong', 'wrong']
    )
  })

  it('where there is none yet, the first is told', () => {
    const [{ level, text }] = of({})
    assert.equal(level, 'note')
    assert.match(text, /a Shield makes \/dev\/shm\/kindly-guard-1000/)
  })
})

describe('the doctor on', () => {
  it('an addon of the package, of this machine, and none', () => {
    const sum = 'ab'.repeat(32)
    const origin = (where) => addon(null, `${where}/x.node, sha256 ${sum}`)
    assert.match(origin('build/Release').text, /compiled on this machine/)
    assert.match(origin('prebuilds/linux-x64').text, /came with the package/)
    const missing = addon('there is none', 'none')
    assert.equal(missing.level, 'wrong')
    assert.match(missing.text, /there is none$/)
    assert.match(missing.advice, /kindly-guard-ipc build/)
  })

  for (const [what, p50, level] of [
    ['soon', 100, 'ok'],
    ['late', 100.1, 'note']
  ]) {
    it(`threats that come ${what}: ${level}`, async () => {
      const figures = { events: 190, p50, p90: 200, p99: 300, max: 400.4 }
      const finding = await latency(async () => figures)
      assert.equal(finding.level, level)
      assert.match(finding.text, /median 100 µs, p90 200 µs.*max 400 µs$/)
      assert.deepEqual(finding.facts, figures)
    })
  }

  it('a measurement that fails', async () => {
    const finding = await latency(() => Promise.reject(new Error('no room')))
    assert.equal(finding.level, 'wrong')
    assert.match(finding.text, /no room$/)
  })
})

describe('the doctor’s report', () => {
  const finding = {
    topic: 'ring',
    level: 'wrong',
    text: `${homedir()}/x\u001b[2J\u202e ${'word '.repeat(40)}`.trim(),
    advice: 'do '.repeat(60).trim()
  }

  it('has no home, nothing that steers a terminal, and a sum', () => {
    const report = formatFindings([finding, { ...finding, level: 'ok' }])
    assert.ok(
      report.startsWith('WRONG  ring         ~/x\\x1b[2J\\u{202e} word')
    )
    assert.ok(report.includes('\n                    -> do do'))
    assert.ok(report.endsWith('\n\n1 wrong, 0 to note, 1 ok\n'))
  })

  for (const [columns, most] of [
    [20, 40],
    [80, 80],
    [300, 100]
  ]) {
    it(`on ${columns} columns has lines of at most ${most}`, () => {
      const lines = formatFindings([finding], { columns }).split('\n')
      const longest = Math.max(...lines.map(({ length }) => length))
      assert.ok(longest <= most && longest > most - 5, String(longest))
    })
  }

  it('has a home for a whole path alone', () => {
    const home = homedir()
    const text = `${home}/x (${home}/y), /mnt${home}/z ${home}2/z`
    const report = formatFindings([{ ...finding, text }]).replace(/\s+/g, ' ')
    assert.ok(report.includes(`~/x (~/y), /mnt${home}/z ${home}2/z`), report)
  })

  it('has colours where they are wanted', () => {
    const escape = '\u001b['
    assert.equal(formatFindings([finding]).includes(escape), false)
    const report = formatFindings([finding], { color: true })
    assert.ok(report.startsWith(`${escape}1;31mWRONG`))
  })
})
