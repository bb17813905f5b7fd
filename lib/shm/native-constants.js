'use strict'
// Generated from native/addon/protocol.h and kg_ipc.h by npm run generate.

module.exports = {
  FROM: { latest: 0, oldest: 1, sequence: 2 },
  LOSS_REASONS: [null, 'overwritten', 'corrupt', 'before-join', 'evicted'],
  WRITER_STATES: ['live', 'stalled', 'gone'],
  HUGE_PAGES: ['auto', 'require', 'off'],
  READ: {
    LOST: 0,
    LOST_FROM: 1,
    LOST_TO: 2,
    LOST_PRIORITY: 3,
    LOSS_REASON: 4,
    SLOTS_NEEDED: 5,
    MORE: 6,
    NOW_NS: 7,
    TIMED_FROM: 8,
    FIELDS: 9
  },
  STAGE: { TYPE: 0, FACTS: 1, TIMESTAMP: 2, SOURCE: 3, DETAILS: 4, COLUMNS: 5 },
  LAYOUT_VERSION: 3,
  PACKAGE_VERSION: '0.1.0',
  UNKNOWN: -1,
  STATE_ERROR: 256,
  STATE_UNREAD: -1,
  STAGE_BLOCKED: 256,
  STAGE_MOST: 64,
  NUMA_INTERLEAVE: 4294967295
}
