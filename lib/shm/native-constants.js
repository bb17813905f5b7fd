'use strict'
// Generated from native/addon/protocol.h and kg_ipc.h by npm run generate.

module.exports = {
  FROM: { latest: 0, oldest: 1, sequence: 2 },
  LOSS_REASONS: [null, 'overwritten', 'corrupt', 'before-join', 'evicted'],
  WRITER_STATES: ['live', 'stalled', 'gone'],
  READ: {
    LOST: 0,
    LOST_FROM: 1,
    LOST_TO: 2,
    LOSS_REASON: 3,
    SLOTS_NEEDED: 4,
    MORE: 5,
    NOW_NS: 6,
    TIMED_FROM: 7,
    FIELDS: 8
  },
  STAGE: { TYPE: 0, FACTS: 1, TIMESTAMP: 2, COLUMNS: 3 },
  STATE_ERROR: 256,
  STATE_UNREAD: -1,
  STAGE_BLOCKED: 256,
  STAGE_MOST: 64
}
