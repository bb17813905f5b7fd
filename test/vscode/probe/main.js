'use strict'
// In the same process as the example: how long its event loop stands still. Each
// line of the file in KG_PROBE has the time and the longest pause since the last
// one, in milliseconds.

const fs = require('node:fs')
const { monitorEventLoopDelay } = require('node:perf_hooks')

const LINE_MS = 250

exports.activate = ({ subscriptions }) => {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const timer = setInterval(() => {
    const line = `${Date.now()} ${process.pid} ${(delay.max / 1e6).toFixed(1)}\n`
    delay.reset()
    fs.appendFileSync(process.env.KG_PROBE, line)
  }, LINE_MS)
  subscriptions.push({ dispose: () => clearInterval(timer) })
}
