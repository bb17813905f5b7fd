'use strict'
// A discovery file's record, of a Shield that lives and of one that has closed.

const NAME = 'kindly-guard'
const TOKEN = '0123456789abcdef'.repeat(4)
const LIVE = {
  version: 1,
  state: 'live',
  socket: null,
  port: 9955,
  host: '127.0.0.1',
  auth: 'token',
  token: TOKEN,
  generation: '00ff00ff00ff00ff',
  dir: '/dev/shm/kindly-guard-1000',
  pid: 4711,
  startedAt: '2025-01-02T03:04:05.678Z'
}
const CLOSED = { ...LIVE, state: 'closed', sequence: 41, priority: 7 }

module.exports = { CLOSED, LIVE, NAME, TOKEN }
