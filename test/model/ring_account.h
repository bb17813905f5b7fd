// What a reader is told, against what was written.
#ifndef MODEL_RING_ACCOUNT_H
#define MODEL_RING_ACCOUNT_H

#include "ring_writer.h"

namespace model {

// How much a run forgives, because something in it was broken on purpose.
struct Leniency {
  // Slots that do not validate, counts that are not known: yes. Torn events
  // and wrong accounts: never.
  bool is_damaged = false;
};

// The checks of one delivery or loss. Each throws Violation. `taken` is the
// last sequence that the reader has an account of; -1: it does not know yet
// where the stream stands.
class Account {
public:
  Account(const History &history, Leniency leniency)
      : history_(history), leniency_(leniency) {}

  // `slots` are the `count` slots of an event, from the lane perhaps.
  // `known_head` is the oldest that the reader may still read.
  void deliver(int ring, const Slot *slots, int count, bool is_lane,
               int known_head, int &taken) const;

  struct Loss {
    int from;
    int to;
    int priority;
    bool is_priority_known;
    bool may_know;   // where it counts from is known
    bool is_settled; // ends with a settled last sequence
    int head;        // that this read looked at
    int claim_seen;  // the oldest that the reader may still read
    int lane_claim_seen;
  };
  void lose(int ring, const Loss &loss, int &taken) const;

  // All of the stream was visible, and read.
  void end(int ring, int cursor, int scan, int join, int taken) const;

private:
  const RingHistory &ring(int number) const {
    return history_.rings[number];
  }
  bool is_damaged(const Event &event) const;
  bool is_newest_commit(int number, const Loss &loss, const Event &event) const;

  const History &history_;
  Leniency leniency_;
};

} // namespace model

#endif
