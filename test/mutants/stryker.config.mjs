// What `npx stryker run test/mutants/stryker.config.mjs` does: puts mistakes
// into what is pure in lib/, one at a time, and runs the tests of it that start
// no process and no server. All that it makes is in coverage/mutants/, where
// nobody looks for tests.

const BUILD = 'coverage/mutants'

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'mocha',
  plugins: ['@stryker-mutator/mocha-runner'],
  coverageAnalysis: 'perTest',
  concurrency: 2,

  mutate: [
    'lib/threat/*.js',
    // Generated from the C headers, and held against them by generate --check.
    '!lib/threat/layout.js',
    'lib/options/*.js',
    'lib/stream/*.js',
    'lib/websocket/{auth,discovery-file,locate,messages,protocol}.js',
    'lib/websocket/client/{commands,queue,stream-cursor}.js',
    'lib/websocket/server/{challenger,commands,discovery-file,upgrade-request}.js',
    'lib/client/failover-state.js'
  ],
  mochaOptions: {
    // Beside what .mocharc.json requires.
    require: ['./test/helpers/environment.js', './test/mutants/setup.js'],
    spec: [
      'test/threat/!(*.shm|old-node).test.js',
      'test/options/!(plain-client|file-factory).test.js',
      'test/stream/!(*.shm|*.property).test.js',
      'test/websocket/@(auth|auth-upgrade|discovery-file|discovery-record|locate|messages|protocol)?(.property).test.js',
      'test/websocket/client/@(cursor-joins|queue|queue-bounds|stream-cursor).test.js',
      'test/client/failover-state?(s).test.js'
    ]
  },
  // What runs only while a file is loaded would need a process of its own and
  // every test for each mistake: an hour instead of six minutes. The tests
  // stand on either side of each constant all the same.
  ignoreStatic: true,
  // A mistake that loops for ever is caught by the clock.
  timeoutMS: 5000,
  timeoutFactor: 2,

  incremental: true,
  incrementalFile: `${BUILD}/incremental.json`,
  tempDirName: `${BUILD}/sandbox`,
  ignorePatterns: [
    '/*',
    '!/lib',
    '!/test',
    '!/package.json',
    '!/.mocharc.json',
    '/test/*',
    '!/test/{base,client,helpers,mutants,options,stream,threat,websocket}'
  ],
  disableTypeChecks: false,

  reporters: ['progress', 'clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, logTests: false },
  htmlReporter: { fileName: `${BUILD}/report.html` },
  jsonReporter: { fileName: `${BUILD}/report.json` },
  thresholds: { high: 95, low: 85, break: 85 }
}
