'use strict'

const { IpcFactory } = require('kindly-guard-ipc')

// In shared memory and over WebSocket: every client finds one of the two.
// Without a directory of their own, both sides use this user's default one.
const shield = IpcFactory.createHybridTransport({ dir: process.argv[2] })

shield.on('transport', ({ to, reason }) => console.log(`${to}: ${reason}`))

setInterval(() => {
  const sequence = shield.writeThreat({
    threatType: 'PathTraversal',
    severity: 'High',
    source: 'mcp',
    details: '../../etc/passwd',
    blocked: true
  })
  console.log(`published threat ${sequence}`)
}, 1000)
