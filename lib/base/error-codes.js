'use strict'
// Generated from KG_ERROR_MAP in native/include/kg_error.h by npm run generate.

module.exports = [
  {
    number: -1,
    code: 'ERR_NO_RING',
    what: 'There is no ring here.',
    advice: 'Start the Shield first, or give both sides the same dir and name.'
  },
  {
    number: -2,
    code: 'ERR_RING_LOCKED',
    what: 'Another live writer holds this ring.',
    advice:
      'Stop the other Shield, or choose another name; there is no lock file to remove, the kernel frees the lock when its holder ends.'
  },
  {
    number: -3,
    code: 'ERR_RING_INVALID',
    what: 'The file is not a ring.',
    advice:
      'Start the Shield, which replaces the file, or point dir and name elsewhere.'
  },
  {
    number: -4,
    code: 'ERR_RING_VERSION',
    what: 'The ring has another layout version.',
    advice: 'Install the same version of kindly-guard-ipc on both sides.'
  },
  {
    number: -5,
    code: 'ERR_RING_CORRUPT',
    what: "The ring's content does not validate.",
    advice:
      'Reading goes on with the next valid event; restart the Shield if it persists.'
  },
  {
    number: -6,
    code: 'ERR_RING_TRUNCATED',
    what: 'The ring file is shorter than its header says.',
    advice: 'Restart the Shield, which makes a new ring.'
  },
  {
    number: -7,
    code: 'ERR_UNSAFE_PATH',
    what: 'Somebody else could reach this path.',
    advice:
      'Use a directory of your own with mode 0700 that holds no links or special files.'
  },
  {
    number: -8,
    code: 'ERR_NO_SPACE',
    what: 'There is no space for the ring.',
    advice: 'Free space in the file system, or lower maxEvents.'
  },
  {
    number: -9,
    code: 'ERR_ACCESS',
    what: 'The system refuses access.',
    advice: 'Check the owner and the permissions of the directory.'
  },
  {
    number: -10,
    code: 'ERR_READ_ONLY',
    what: 'The file system is read-only.',
    advice: 'Choose a dir on a file system that can be written.'
  },
  {
    number: -11,
    code: 'ERR_TOO_MANY_FILES',
    what: 'No file descriptor is free.',
    advice:
      'Close clients that are no longer needed, or raise the limit (ulimit -n).'
  },
  {
    number: -12,
    code: 'ERR_NO_MEMORY',
    what: 'There is no memory for this.',
    advice: 'Free memory, or lower maxEvents.'
  },
  {
    number: -13,
    code: 'ERR_SYSTEM',
    what: 'A system call failed.',
    advice: 'The message names the call and its errno.'
  },
  {
    number: -14,
    code: 'ERR_FORKED',
    what: 'This handle belongs to the process that forked.',
    advice: 'Open a ring of its own in the child.'
  },
  {
    number: -15,
    code: 'ERR_CLOSED',
    what: 'This object is closed.',
    advice: 'Create a new one.'
  },
  {
    number: -16,
    code: 'ERR_EVENT_TOO_LARGE',
    what: 'The threat takes more than a quarter of the ring.',
    advice: 'Shorten its text or its context, or raise maxEvents.'
  },
  {
    number: -17,
    code: 'ERR_BATCH_TOO_LARGE',
    what: 'The batch takes more than a quarter of the ring.',
    advice: 'Write it in smaller batches, or raise maxEvents.'
  },
  {
    number: -18,
    code: 'ERR_SEQUENCE_EXHAUSTED',
    what: 'Sequence 2^53-1 was reached.',
    advice: 'Remove the ring file and restart the Shield for a new generation.'
  },
  {
    number: -19,
    code: 'ERR_INVALID_ARGUMENT',
    what: 'An argument has the wrong type or range.',
    advice: 'The message names the argument and what would do.'
  },
  {
    number: -20,
    code: 'ERR_INVALID_OPTION',
    what: 'An option is unknown or has the wrong type or range.',
    advice: 'The message names the option and what would do.'
  },
  {
    number: -21,
    code: 'ERR_INVALID_THREAT',
    what: 'The threat has a field that cannot be carried exactly.',
    advice: 'The message names the field and what would do.'
  },
  {
    number: -22,
    code: 'ERR_SHM_UNAVAILABLE',
    what: 'Shared memory is not available here.',
    advice:
      'The message says why; PlatformShm.isAvailable() tells without throwing.'
  },
  {
    number: -23,
    code: 'ERR_WEBSOCKET_UNREACHABLE',
    what: 'No Shield answers over WebSocket.',
    advice:
      'Start the Shield with WebSocket enabled; where its discovery file cannot be seen, give websocket.url and websocket.tokenFile.'
  },
  {
    number: -24,
    code: 'ERR_WEBSOCKET_REFUSED',
    what: 'The other end of the WebSocket is not the Shield, or it refuses us.',
    advice:
      "Check that the token file is the running Shield's, and what else listens on its port."
  },
  {
    number: -25,
    code: 'ERR_WEBSOCKET_CLOSED',
    what: 'The WebSocket to the Shield was closed.',
    advice: 'Nothing is to be done: the client connects again by itself.'
  },
  {
    number: -26,
    code: 'ERR_WEBSOCKET_PORT',
    what: 'The WebSocket port is not to be had.',
    advice:
      'Clients find the port that is used by the discovery file; choose another websocket.port to be rid of this.'
  },
  {
    number: -27,
    code: 'ERR_DISCOVERY_INVALID',
    what: 'The discovery file does not say where the Shield is.',
    advice: 'Restart the Shield, which writes the file anew.'
  },
  {
    number: -28,
    code: 'ERR_CONFIG_INVALID',
    what: 'The configuration file cannot be used.',
    advice: 'The message names the file and what is wrong with it.'
  },
  {
    number: -29,
    code: 'ERR_RING_FULL',
    what: 'A reliable reader has not taken what would be overwritten.',
    advice: "Nothing was written; try again after 'drain' or await writable()."
  },
  {
    number: -30,
    code: 'ERR_TOO_MANY_READERS',
    what: 'The ring has no room for another reliable reader.',
    advice: 'Close one of them, or read without reliable.'
  },
  {
    number: -31,
    code: 'ERR_BENCHMARK_FAILED',
    what: 'The benchmark did not come to its end.',
    advice: 'The message says what happened; nothing was measured.'
  }
]
