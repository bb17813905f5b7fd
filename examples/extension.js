'use strict'

const { ShmClient } = require('kindly-guard-ipc')

const client = new ShmClient({ dir: process.argv[2], from: 'oldest' })

client.on('writer', (state) => console.log(`the Shield is ${state}`))
client.on('lost', (loss) => console.log('lost', loss))

process.once('SIGINT', () => client.close())

client.pollThreats((threat) => {
  console.log(threat)
  return true // only `false` ends it
})
