'use strict'
// What comes out of loadConfig does for IpcFactory, at either end.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { stringify } = require('smol-toml')
const { IpcFactory } = require('../../lib/index.js')
const {
  ALL,
  DEFAULT,
  loadFrom,
  PREFIX,
  useFolder
} = require('../helpers/config.js')
const { TestRing, threat } = require('../helpers/ring.js')
const { collect } = require('../helpers/wait.js')

describe('loadConfig', () => {
  const current = useFolder()
  let base

  beforeEach(() => {
    base = current()
  })

  const load = (content, env) =>
    loadFrom(path.join(base, 'shield.toml'), content, env)

  describe('IpcFactory takes what comes out', () => {
    let ring

    beforeEach(() => {
      ring = new TestRing()
    })
    afterEach(() => ring.remove())

    /** One threat from a Shield of these options to a client of those. */
    async function assertCarries(create, options, others = options) {
      const shield = ring.keep(IpcFactory[create](options))
      await shield.ready()
      const sent = shield.writeThreat(threat('configured'))
      const client = ring.keep(await IpcFactory.createClient(others))
      const [received] = await collect(client, 1)
      assert.equal(received.sequence, sent)
      assert.equal(received.details, 'configured')
      return { shield, client }
    }

    for (const create of ['createTransport', 'createHybridTransport']) {
      it(`${create} and createClient: of the default configuration`, async () => {
        const options = load(DEFAULT, {
          [`${PREFIX}DIR`]: ring.dir,
          [`${PREFIX}FROM`]: 'oldest',
          [`${PREFIX}WEBSOCKET_PORT`]: '0'
        })
        await assertCarries(create, options)
      })
    }

    it('all keys at once, for either end', async () => {
      const ipc = { shm: {}, websocket: {} }
      for (const [section, name, { fine }] of ALL) {
        ipc[section][name] = fine.at(-1)
      }
      Object.assign(ipc.shm, {
        ...{ dir: ring.dir, poll_cpu: 0 },
        ...{ max_events: 1000, priority_events: 256 }
      })
      Object.assign(ipc.websocket, { host: '127.0.0.1', port: 0 })
      const options = load(stringify({ ipc }))
      const shield = ring.keep(IpcFactory.createHybridTransport(options))
      await shield.ready()
      const client = ring.keep(await IpcFactory.createClient(options))
      const { websocket } = shield.stats()
      assert.equal(websocket.auth, ipc.websocket.auth)
      assert.equal(websocket.url, `ws://127.0.0.1:${websocket.port}`)
      assert.equal(client.closed, false)
    })

    it('an url and a token_file beside the client’s own file', async () => {
      const own = load(
        '[ipc.shm]\nprefer_shm = false\n[ipc.websocket]\nport = 0',
        { [`${PREFIX}DIR`]: ring.dir }
      )
      const shield = ring.keep(IpcFactory.createTransport(own))
      await shield.ready()
      const { url, discoveryFile } = shield.stats().websocket
      fs.copyFileSync(discoveryFile, path.join(base, 'token.json'))
      fs.chmodSync(path.join(base, 'token.json'), 0o600)
      shield.writeThreat(threat('by token'))
      // It has no other way to the Shield than what the file says.
      const client = ring.keep(
        await IpcFactory.createClient(
          load(
            '[ipc.shm]\ndir = "elsewhere"\nprefer_shm = false\n' +
              'from = "oldest"\n[ipc.websocket]\n' +
              `url = "${url}"\ntoken_file = "token.json"`
          )
        )
      )
      const [received] = await collect(client, 1)
      assert.equal(received.details, 'by token')
      assert.equal(client.stats().url, url)
    })
  })
})
