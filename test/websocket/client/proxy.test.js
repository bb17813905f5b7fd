'use strict'
// A client in a process that sends every request through a proxy, as an editor
// does.

const assert = require('node:assert/strict')
const http = require('node:http')
const { IpcFactory } = require('../../../lib/index.js')
const { useFactory, write } = require('../../helpers/factory.js')
const { until, within } = require('../../helpers/wait.js')

describe('F75 a client whose process forces a proxy upon every request', () => {
  const { current, overWebSocket, shieldOf } = useFactory()

  /** A proxy that counts who comes. */
  async function proxy() {
    const server = http.createServer((_request, response) => response.end())
    const came = []
    server.on('connection', (socket) => {
      came.push(socket)
      socket.on('error', () => {})
    })
    server.on('connect', (_request, socket) => socket.destroy())
    server.listen(0, '127.0.0.1')
    await until(() => server.listening, 'the proxy')
    current().keep({
      close: () => {
        server.closeAllConnections()
        server.close()
      }
    })
    return { came, port: server.address().port }
  }

  // Each is done to the process before the package is loaded, and after.
  const WAYS = {
    'by replacing http.request': (modules, forced) => {
      for (const module of modules) {
        for (const name of ['request', 'get']) {
          const original = module[name]
          module[name] = (first, ...rest) =>
            typeof first === 'string' || first instanceof URL
              ? original(first, { ...rest[0], agent: forced }, rest[1])
              : original({ ...first, agent: forced }, ...rest)
        }
      }
    },
    'by replacing http.request with one that throws': (modules) => {
      for (const module of modules) {
        module.request = module.get = () => {
          throw new Error('no way out but the proxy')
        }
      }
    },
    'by the global agent': (modules, forced) => {
      for (const module of modules) module.globalAgent = forced
    },
    'by the agents’ prototype': (modules, forced) => {
      for (const { Agent } of modules) {
        Agent.prototype.createConnection = forced.createConnection
        Agent.prototype.createSocket = function createSocket(...args) {
          return Object.getPrototypeOf(forced).createSocket.apply(this, args)
        }
      }
    }
  }

  /** The program: a client that delivers one threat, and may end then. */
  async function main(ipc, { dir, websocket, proxyPort, way, isLate }) {
    const plain = require('node:http')
    const secure = require('node:https')
    const net = require('node:net')
    const forced = new plain.Agent({ keepAlive: true })
    forced.createConnection = () => net.connect(proxyPort, '127.0.0.1')
    const force = () =>
      new Function(`return (${way})`)()([plain, secure], forced)
    if (!isLate) force()
    const client = await ipc.IpcFactory.createClient({
      dir,
      preferShm: false,
      from: 'oldest',
      websocket
    })
    if (isLate) force()
    await client.pollThreats(({ details }) => {
      console.log(details)
      return false
    })
    // Not closed: an idle client does not hold the process.
  }

  for (const [what, way] of Object.entries(WAYS)) {
    for (const [where, websocket] of [
      ['socket', {}],
      ['port', { socket: false }]
    ]) {
      it(`${what}: goes to the ${where} itself, and may end`, async () => {
        const shield = await shieldOf(
          IpcFactory.createTransport,
          overWebSocket()
        )
        write(shield, 1)
        const { came, port } = await proxy()
        for (const isLate of [false, true]) {
          const program = current().program(main, {
            websocket,
            proxyPort: port,
            way: String(way),
            isLate
          })
          const { code, stdout, stderr } = await within(
            program.exited,
            'its end'
          )
          assert.deepEqual([code, stdout, stderr], [0, '0\n', ''])
          assert.deepEqual(came, [])
        }
        assert.equal(shield.stats().websocket.admitted, 2)
      })
    }
  }
})
