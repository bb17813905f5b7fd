// One reader of a ring, step by step as native/ring/ has it.
#ifndef MODEL_RING_READER_H
#define MODEL_RING_READER_H

#include "ring_account.h"

namespace model {

// Where a reader begins.
enum class From {
  latest,
  first, // sequence 1
  oldest,
  saved,              // a sequence that was saved with its counter
  saved_without_count // and one without
};

constexpr int SAVED_SEQUENCE = 4;

// A sequence behind all.
constexpr int EVERYTHING = 1000;

// A reader between two reads. Only ints: equal ones have equal bytes.
struct Position {
  int ring;
  int cursor;
  int next; // the sequence that is expected there; 0: any
  int join; // events below this one are passed over in silence
  int scan; // from cursor to here nothing validated
  int reason;
  int seen;
  int lane;    // the lane below has nothing that is still wanted
  int counter; // priority events up to the one in front of `next`
  int is_counter_known;
  int join_counter; // the same in front of `join`
  int is_join_counter_known;
  int before_join; // a range that seeking found and that is to be told
  int before_join_priority;
};

// The variables of one read, for whoever asks whether two runs of it stand at
// the same place with the same values.
struct Work {
  int position;
  int reason;
  int head;
  int claim;
  int at;
  int count;
  int last;
  int settled;
  int lane_head;
  int lane_claim;
  int gap_first;
  int gap_last;
  int is_found; // in the lane
  int tries;
  Slot copies[MAX_BUFFER];
  Slot lane_copies[MAX_BUFFER];
  Slot lane_slots[MAX_BUFFER]; // with LANE_COPY before LANE_HEAD alone
};

// Where in a read, for Crossroads.
enum Label {
  AT_COPY = 0, // and the index
  AT_CHECK = MAX_BUFFER,
  AT_FOUND,
  AT_LANE,
  AT_LANE_COPY,
  AT_SEEK
};

// Told at each place where other ways may have led to the same state.
class Crossroads {
public:
  virtual ~Crossroads() = default;
  // Throws when this state was met before.
  virtual void pass(Label label, int index = 0) = 0;
};

class Reader {
public:
  Reader(const History &history, const Setup &setup, Leniency leniency,
         Choices &choices, Crossroads &crossroads, Trace &trace);

  // The state, which whoever runs the reader saves and restores.
  Position position{};
  Views views;
  int taken = -1; // see Account
  Work work{};

  void seek(From from);

  // False when there was nothing.
  bool read();

  // Looks whether another ring has the name, and moves over to it when this
  // one is read to its end. False when it stays.
  bool follow();

private:
  const Ring &ring() const {
    return history_.rings[position.ring].ring;
  }
  int load(Step step, int location, Order order, const std::string &detail);
  int load(Step step, Field field, Order order) {
    return load(step, ring().at(field), order, "");
  }
  void fence(Step step);
  Slot copy(Step step, bool is_lane, int at);
  int load_head();

  int oldest(const std::vector<Step> &steps);
  void copy_slots();
  bool is_near();
  void check_claim();
  static int examine(const Slot *slots, int count, int at, int head);
  bool is_plausible(int sequence, int at) const;
  int find_event();
  bool tell_before_join();
  bool take_event(int span);

  bool finish();
  void lose(int last, int counter, bool is_known, bool is_settled);
  bool rescue(int last);
  bool find_in_lane(int first, int last);
  bool copy_lane(int count);
  int take_run(const Slot *slots, int count, int span, int at, int head,
               int last, bool is_lane);
  void stand(int cursor, int next);

  bool find_newest(int head);
  void seek_latest();
  void seek_saved(bool has_count);
  bool seek_oldest();

  int known(Field field) const;

  const History &history_;
  const Setup &setup_;
  const Mistake &mistake_;
  Leniency leniency_;
  Account account_;
  Choices &choices_;
  Crossroads &crossroads_;
  Trace &trace_;
  std::vector<Step> copying_;  // R2 to R4
  std::vector<Step> checking_; // the same without R2
  std::vector<Step> looking_in_lane_;
  std::vector<Step> settling_;
};

} // namespace model

#endif
