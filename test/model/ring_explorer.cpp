#include "ring_explorer.h"

#include <algorithm>

#include "hash.h"

namespace model {

// The reader between two reads, and how it came there.
struct Stand {
  Position position{};
  Views views;
  int taken = 0;
  bool is_quiet = false; // the writer is at its end, and all of it is visible
  int from = -1;         // another stand; -1: none
  int seek = -1;         // or this way to begin
  std::vector<uint8_t> choices;
};

// This state was met before.
struct Known {};

class ReaderExploration : private Crossroads {
public:
  ReaderExploration(const History &history, const Setup &setup,
                    Leniency leniency, size_t limit)
      : history_(history), limit_(limit),
        last_ring_(static_cast<int>(history.rings.size()) - 1),
        account_(history, leniency),
        reader_(history, setup, leniency, choices_, *this, trace_) {}

  Outcome run(const std::vector<From> &from) {
    for (From each : from) {
      Stand begin;
      begin.seek = static_cast<int>(each);
      expand(-1, begin);
    }
    for (size_t i = 0; i < stands_.size() && outcome_.violation.empty(); i++) {
      if (outcome_.states >= limit_) {
        outcome_.is_cut_short = true;
        break;
      }
      Stand stand = stands_[i];
      if (!stand.is_quiet) {
        add_quiet(static_cast<int>(i), stand);
      }
      expand(static_cast<int>(i), stand);
    }
    return std::move(outcome_);
  }

private:
  void pass(Label label, int index) override {
    if (!choices_.is_new() || trace_.is_wanted) {
      return;
    }
    if (!seen_.insert(key_of(label, index, true)).second) {
      throw Known();
    }
    outcome_.states++;
  }

  Hash key_of(int label, int index, bool has_work) {
    struct {
      int label, index, taken, is_quiet;
      Position position;
      View current, acquirable;
      Work work;
    } key;
    key.label = label;
    key.index = index;
    key.taken = reader_.taken;
    key.is_quiet = is_quiet_;
    key.position = reader_.position;
    key.current = reader_.views.current;
    key.acquirable = reader_.views.acquirable;
    key.work = reader_.work;
    return hash_of(&key, has_work ? sizeof key : sizeof key - sizeof key.work);
  }

  void add(int from, const Stand &how) {
    if (seen_.insert(key_of(-1, 0, false)).second) {
      Stand stand = how;
      stand.position = reader_.position;
      stand.views = reader_.views;
      stand.taken = reader_.taken;
      stand.is_quiet = is_quiet_;
      stand.from = from;
      stand.choices = choices_.taken();
      stands_.push_back(stand);
      outcome_.states++;
    }
  }

  void restore(const Stand &stand) {
    reader_.position = stand.position;
    reader_.views = stand.views;
    reader_.taken = stand.taken;
    is_quiet_ = stand.is_quiet;
  }

  void add_quiet(int number, const Stand &stand) {
    restore(stand);
    reader_.views.see(history_.end);
    is_quiet_ = true;
    choices_ = Choices();
    Stand how;
    add(number, how);
  }

  // One step: it begins, or reads once.
  void run_once(const Stand &stand) {
    if (stand.seek >= 0) {
      is_quiet_ = false;
      reader_.seek(static_cast<From>(stand.seek));
      return;
    }
    restore(stand);
    if (!reader_.read() && !reader_.follow() && is_quiet_ &&
        reader_.position.ring == last_ring_) {
      const Position &position = reader_.position;
      account_.end(position.ring, position.cursor, position.scan, position.join,
                   reader_.taken);
    }
  }

  void expand(int number, Stand stand) {
    // How the new stands came to be: from this one, or by its way to begin.
    Stand how;
    how.seek = number < 0 ? stand.seek : -1;
    if (number >= 0) {
      stand.seek = -1;
    }
    choices_ = Choices();
    do {
      try {
        run_once(stand);
        add(number, how);
      } catch (const Known &) {
      } catch (const Violation &violation) {
        outcome_.violation = violation.what;
        tell(number, stand);
        return;
      }
    } while (choices_.next());
  }

  // Runs the way to `last`, and what it does then, once more.
  void tell(int number, const Stand &last) {
    std::vector<uint8_t> choices = choices_.taken();
    std::vector<int> way;
    for (int i = number; i >= 0; i = stands_[i].from) {
      way.push_back(i);
    }
    std::reverse(way.begin(), way.end());
    trace_.is_wanted = true;
    for (int i : way) {
      const Stand &stand = stands_[i];
      Stand before = stand.from < 0 ? Stand() : stands_[stand.from];
      before.seek = stand.seek;
      if (stand.is_quiet && !before.is_quiet) {
        trace_.say("reader: (from here on, all that was written is visible)");
        continue;
      }
      choices_ = Choices(stand.choices);
      run_once(before);
    }
    choices_ = Choices(choices);
    try {
      run_once(last);
    } catch (const Violation &) {
    }
    outcome_.trace = trace_.lines;
  }

  const History &history_;
  size_t limit_;
  int last_ring_;
  Account account_;
  Choices choices_;
  Trace trace_;
  Reader reader_;
  bool is_quiet_ = false;
  HashSet seen_;
  std::vector<Stand> stands_;
  Outcome outcome_;
};

Outcome explore_reader(const History &history, const Setup &setup,
                       const std::vector<From> &from, Leniency leniency,
                       size_t limit) {
  return ReaderExploration(history, setup, leniency, limit).run(from);
}

} // namespace model
