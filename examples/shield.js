'use strict'

const { SharedMemoryIpc } = require('kindly-guard-ipc')

// Without a directory of their own, both sides use this user's default one.
const shield = new SharedMemoryIpc({ dir: process.argv[2] })
console.log(`publishing to ${shield.stats().path}`)

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
