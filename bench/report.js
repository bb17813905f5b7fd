'use strict'
// The report: one HTML file that needs nothing else, and the figures as JSON.

const fs = require('node:fs')
const path = require('node:path')
const { COLUMNS } = require('./table.js')

const DEFAULT_DIR = path.join(__dirname, 'report')

const page = (name) =>
  fs.readFileSync(path.join(__dirname, 'page', name), 'utf8')

/** The plotting library as its package ships it. */
function uplot(name) {
  const dir = path.dirname(require.resolve('uplot/package.json'))
  return fs.readFileSync(path.join(dir, 'dist', name), 'utf8')
}

/** Within a script element nothing may look like its end. */
const inScript = (text) => text.replace(/<\/(script)/gi, '<\\/$1')

function html(summary) {
  const data = (value) => JSON.stringify(value).replace(/</g, '\\u003c')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kindly-guard-ipc, measured ${summary.machine.date}</title>
<style>${uplot('uPlot.min.css')}</style>
<style>${page('page.css')}</style>
<body>
<main id="main"></main>
<script>${inScript(uplot('uPlot.iife.min.js'))}</script>
<script>window.summary = ${data(summary)}</script>
<script>window.columns = ${data(COLUMNS)}</script>
<script>${inScript(page('charts.js'))}</script>
<script>${inScript(page('page.js'))}</script>
</body>
</html>
`
}

/** @returns {{ html: string, json: string }} where they are */
function writeReport(summary, dir = DEFAULT_DIR) {
  fs.mkdirSync(dir, { recursive: true })
  const files = {
    html: path.join(dir, 'report.html'),
    json: path.join(dir, 'report.json')
  }
  fs.writeFileSync(files.html, html(summary))
  fs.writeFileSync(files.json, `${JSON.stringify(summary, null, 2)}\n`)
  return files
}

module.exports = { writeReport }
