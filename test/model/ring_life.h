// One writer of a ring, from its birth to its death.
#ifndef MODEL_RING_LIFE_H
#define MODEL_RING_LIFE_H

#include "ring_writer.h"

namespace model {

struct Death {};

// A successor does not trust what it finds.
struct Corrupt {
  std::string why;
};

// One writer from its birth to its death.
class Writer {
public:
  Writer(History &history, const Setup &setup, const Scenario &scenario,
         int number, int dies_before, Trace &trace)
      : history_(history), memory_(history.memory), mistake_(setup.mistake),
        copies_backwards_(setup.copies_backwards), damaged_(scenario.damaged),
        number_(number), dies_before_(dies_before), trace_(trace) {
    history_.stores = 0;
  }

  void begin();
  void commit(const Commit &planned, int first_payload);
  void replace();

private:
  RingHistory &current() {
    return history_.rings.back();
  }
  const Ring &ring() {
    return current().ring;
  }

  void store(Step step, int location, int value, Order order,
             const std::string &detail = "") {
    if (history_.stores == dies_before_) {
      trace_.say("writer %d dies", number_);
      throw Death();
    }
    history_.stores++;
    take(step);
    trace_.say("writer %d: %s%s = %d", number_, name_of(step), detail.c_str(),
               value);
    bool is_ordered = order != Order::relaxed && !mistake_.is_weak(step);
    // It has seen everything, so there is one place for its store.
    Choices none;
    memory_.store(0, location, value, is_ordered ? order : Order::relaxed,
                  none);
  }

  void store(Step step, Field field, int value, Order order) {
    store(step, ring().at(field), value, order);
  }

  void fence_release(Step step) {
    take(step);
    trace_.say("writer %d: %s", number_, name_of(step));
    memory_.views(0).fence_release();
  }

  // The lock's transfer ordered this writer behind the one before: it reads
  // what is newest.
  int load(Field field) {
    return memory_.newest(ring().at(field));
  }
  Slot load_slot(bool is_lane, int position);

  void store_slot(Step step, bool is_lane, int position, const Slot &slot);
  std::vector<Slot> stage(const Commit &planned, int first_payload);
  void find_end(int claim);
  void begin_lane();
  void repair(int until, int from_sequence);
  void copy_to_lane(const std::vector<Slot> &slots);
  void put_in_lane(const std::vector<std::vector<Slot>> &events);

  History &history_;
  Memory &memory_;
  const Mistake &mistake_;
  bool copies_backwards_;
  const std::set<int> &damaged_;
  int number_;
  int dies_before_; // -1: never
  Trace &trace_;

  int head_ = 0;
  int found_ = 0; // the head that a successor finds
  int claim_ = 0;
  int sequence_ = 0;
  int counter_ = 0;
  int lane_head_ = 0;
  int lane_claim_ = 0;
  int lane_sequence_ = 0;     // of the last event in the lane
  int repairs_late_from_ = 0; // REPAIR_LATE
};

} // namespace model

#endif
