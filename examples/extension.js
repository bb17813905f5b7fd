'use strict'

const { IpcFactory } = require('kindly-guard-ipc')

async function main() {
  const options = { dir: process.argv[2], from: 'oldest' }
  // Resolves at once, even when there is no Shield yet.
  const client = await IpcFactory.createClient(options)

  client.on('transport', ({ to, reason }) => console.log(`${to}: ${reason}`))
  client.on('writer', (state) => console.log(`the Shield is ${state}`))
  client.on('lost', (loss) => console.log('lost', loss))

  process.once('SIGINT', () => client.close())

  await client.pollThreats((threat) => {
    console.log(threat)
    return true // only `false` ends it
  })
}

main()
