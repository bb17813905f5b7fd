#include "ring_reader.h"

#include <algorithm>

namespace model {

enum Reason { NO_REASON, OVERWRITTEN, CORRUPT };

Reader::Reader(const History &history, const Setup &setup, Leniency leniency,
               Choices &choices, Crossroads &crossroads, Trace &trace)
    : history_(history), setup_(setup), mistake_(setup.mistake),
      leniency_(leniency), account_(history, leniency), choices_(choices),
      crossroads_(crossroads), trace_(trace),
      copying_(mistake_.applied_to({Step::R2, Step::R3, Step::R3_LOOK, Step::R4,
                                    Step::R4_FENCE, Step::R4_LOOK})),
      looking_in_lane_(mistake_.applied_to(
          {Step::LANE_COPY, Step::LANE_FENCE, Step::LANE_CLAIM})),
      settling_(mistake_.applied_to({Step::SETTLED_LAST, Step::SETTLED_FENCE,
                                     Step::SETTLED_CLAIM,
                                     Step::SETTLED_FENCE_BEHIND})) {
  if (mistake_.is(Flaw::CLAIM_BEFORE_COPY)) {
    copying_ = {Step::R4,      Step::R2,       Step::R3,
                Step::R3_LOOK, Step::R4_FENCE, Step::R4_LOOK};
  }
  checking_ = Mistake::gone(Step::R2).applied_to(copying_);
}

// --- Words -----------------------------------------------------------------

int Reader::load(Step step, int location, Order order,
                 const std::string &detail) {
  take(step);
  bool is_ordered = order != Order::relaxed && !mistake_.is_weak(step);
  int value = history_.memory.load(
      views, location, is_ordered ? order : Order::relaxed, choices_);
  if (trace_.is_wanted) {
    int last = static_cast<int>(history_.memory.history(location).size()) - 1;
    trace_.say("reader: %s%s = %d%s", name_of(step), detail.c_str(), value,
               views.current[location] < last ? ", not the newest" : "");
  }
  return value;
}

void Reader::fence(Step step) {
  take(step);
  trace_.say("reader: %s", name_of(step));
  views.fence_acquire();
}

int Reader::load_head() {
  return load(Step::R1, Field::head, Order::acquire);
}

Slot Reader::copy(Step step, bool is_lane, int at) {
  int words[WORDS];
  for (int i = 0; i < WORDS; i++) {
    std::string detail;
    if (trace_.is_wanted) {
      detail = " " + std::to_string(at) + " word " + std::to_string(i);
    }
    words[i] =
        load(step, is_lane ? ring().lane_slot(at, i) : ring().slot(at, i),
             Order::relaxed, detail);
  }
  return Slot::of(words);
}

// The oldest value of a field that the reader may still read.
int Reader::known(Field field) const {
  int location = ring().at(field);
  return history_.memory.history(location)[views.current[location]].value;
}

// --- Copying ---------------------------------------------------------------

void Reader::copy_slots() {
  for (int i = 0; i < work.count; i++) {
    crossroads_.pass(AT_COPY, i);
    work.copies[i] = copy(Step::R2, false, work.position + i);
  }
}

// R3_LOOK: whether nothing can have been overwritten, so that R4 is left out.
bool Reader::is_near() {
  const Shape &shape = setup_.shape;
  int now = mistake_.is(Flaw::LOOK_IS_R1)
                ? work.head
                : load(Step::R3_LOOK, Field::head, Order::relaxed);
  int most = shape.capacity - shape.batch;
  most += mistake_.is(Flaw::LOOK_ONE_MORE) ? 1 : 0;
  most += mistake_.is(Flaw::LOOK_WITHOUT_BATCH) ? shape.batch : 0;
  return now >= work.head && now - work.position <= most;
}

// R4_LOOK.
void Reader::check_claim() {
  int batch = setup_.shape.batch;
  if (work.claim >= work.head && work.claim - work.head <= batch) {
    return;
  }
  take(Step::R4_LOOK);
  int now = load_head();
  if (work.claim < work.head || work.claim - now > batch) {
    trace_.say("reader: takes claim %d for garbage, head is %d", work.claim,
               now);
    if (!leniency_.is_damaged) {
      throw Violation{"an honest claim is taken for garbage"};
    }
    work.claim = now;
  }
}

// R2 to R5, over `work.count` slots from `work.position` on: the first position
// that was not overwritten during the copy.
int Reader::oldest(const std::vector<Step> &steps) {
  for (Step step : steps) {
    switch (step) {
    case Step::R2:
      copy_slots();
      crossroads_.pass(AT_CHECK);
      break;
    case Step::R3_LOOK:
      if (is_near()) {
        take(Step::R5);
        return 0;
      }
      break;
    case Step::R4:
      work.claim = load(step, Field::claim, Order::relaxed);
      break;
    case Step::R4_LOOK:
      check_claim();
      break;
    default:
      fence(step);
      break;
    }
  }
  take(Step::R5);
  int first = std::max(0, work.claim - setup_.shape.capacity);
  if (mistake_.is(Flaw::R5_GONE)) {
    return 0;
  }
  return mistake_.is(Flaw::R5_ONE_LESS) ? std::max(0, first - 1) : first;
}

// --- What stands in a copy -------------------------------------------------

// The span of the event that begins the `count` slots from position `at` on, 0
// for none, negative when its rest was not copied.
int Reader::examine(const Slot *slots, int count, int at, int head) {
  const Slot &lead = slots[0];
  if (!lead.is_valid(at) || lead.place != 0 || lead.span > head - at) {
    return 0;
  }
  if (lead.span > count) {
    return -lead.span;
  }
  for (int place = 1; place < lead.span; place++) {
    const Slot &slot = slots[place];
    if (!slot.is_valid(at + place) || slot.sequence != lead.sequence ||
        slot.span != lead.span || slot.place != place ||
        slot.is_priority != lead.is_priority) {
      return 0;
    }
  }
  return lead.span;
}

bool Reader::is_plausible(int sequence, int at) const {
  return position.next == 0 ||
         (sequence >= position.next &&
          sequence - position.next <= at - position.cursor);
}

void Reader::stand(int cursor, int next) {
  position.cursor = position.scan = cursor;
  position.next = next;
  position.reason = NO_REASON;
}

// The events that follow each other without a gap, up to `last`, from the first
// of the `count` slots on, which has `span` slots and stands at `at`. Returns
// how many slots they are.
int Reader::take_run(const Slot *slots, int count, int span, int at, int head,
                     int last, bool is_lane) {
  int expected = slots[0].sequence;
  int done = 0;
  if (taken < 0) {
    taken = expected - 1;
  }
  while (span > 0) {
    const Slot &lead = slots[done];
    if (expected >= position.join) {
      trace_.say("reader: gets event %d, payload %d%s", lead.sequence,
                 lead.payload, is_lane ? ", from the lane" : "");
      account_.deliver(position.ring, &slots[done], span, is_lane,
                       known(Field::head), taken);
    }
    position.counter = lead.counter;
    position.is_counter_known = 1;
    done += span;
    expected++;
    span = done < count && slots[done].sequence == expected && expected <= last
               ? examine(&slots[done], count - done, at + done, head)
               : 0;
  }
  if (!is_lane || !mistake_.is(Flaw::LANE_STAYS)) {
    position.next = expected;
  }
  return done;
}

// --- Losses ----------------------------------------------------------------

// The events from the expected one to `last`, whose own counter, or that in
// front of the next one, is `counter`.
void Reader::lose(int last, int counter, bool is_known, bool is_settled) {
  int first = std::max(position.next, position.join);
  if (position.next == 0 || last < first) {
    return;
  }
  bool joins = position.join > position.next;
  int from = joins ? position.join_counter : position.counter;
  bool knows_from =
      joins ? position.is_join_counter_known : position.is_counter_known;
  Account::Loss loss = {first,
                        last,
                        counter - from,
                        is_known && knows_from,
                        !is_settled && (!joins || knows_from),
                        is_settled,
                        work.head,
                        known(Field::claim),
                        ring().shape.lane > 0 ? known(Field::lane_claim) : 0};
  trace_.say("reader: loses events %d to %d, priority %d%s", first, last,
             loss.priority, loss.is_priority_known ? "" : " (not known)");
  if (work.reason == NO_REASON && !leniency_.is_damaged) {
    throw Violation{"a loss has no reason"};
  }
  account_.lose(position.ring, loss, taken);
}

// --- Reading ---------------------------------------------------------------

// Everything up to head was looked at. True when something was told.
bool Reader::finish() {
  if (position.cursor == work.head) {
    position.seen = work.head;
    return false;
  }
  for (Step step : settling_) {
    switch (step) {
    case Step::SETTLED_LAST:
      work.last = load(step, Field::last_sequence, Order::relaxed);
      break;
    case Step::SETTLED_CLAIM:
      work.settled = load(step, Field::claim, Order::relaxed) == work.head ||
                     mistake_.is(Flaw::SETTLED_CLAIM_IGNORED);
      break;
    default:
      fence(step);
      break;
    }
  }
  bool is_at_end = work.settled && work.last + 1 == position.next &&
                   !mistake_.is(Flaw::SETTLED_STAYS);
  if (position.next == 0 || is_at_end) {
    // The last event came from the lane, or nobody knows what is missing.
    stand(work.head, position.next);
    position.seen = work.head;
    return false;
  }
  if (work.settled && work.last >= position.next &&
      work.last - position.next < work.head - position.cursor) {
    if (!rescue(work.last)) {
      lose(work.last, 0, false, true);
      stand(work.head, work.last + 1);
      position.seen = work.head;
      bool is_joined = position.join == position.next;
      position.counter = is_joined ? position.join_counter : 0;
      position.is_counter_known = is_joined && position.is_join_counter_known;
    }
    return true;
  }
  if (!leniency_.is_damaged) {
    throw Violation{"an honest head is taken for garbage"};
  }
  position.scan = position.seen = work.head;
  position.reason = work.reason;
  return false;
}

// The span of the first event in the copies, and `work.at` goes there; 0 for
// none, negative when its rest was not copied.
int Reader::find_event() {
  for (; work.at < work.count; work.at++) {
    int at = work.position + work.at;
    const Slot &slot = work.copies[work.at];
    int span =
        examine(&work.copies[work.at], work.count - work.at, at, work.head);
    if (span != 0 && is_plausible(slot.sequence, at)) {
      return span;
    }
    bool is_rest =
        work.reason == OVERWRITTEN && slot.is_valid(at) && slot.place != 0;
    if (!is_rest) {
      if (!leniency_.is_damaged) {
        throw Violation{
            "a slot that was not overwritten is not valid (counted corrupt)"};
      }
      work.reason = CORRUPT;
    }
  }
  return 0;
}

bool Reader::tell_before_join() {
  if (position.before_join == 0) {
    return false;
  }
  trace_.say("reader: before-join 1 to %d", position.before_join);
  int priority = 0;
  for (int i = 1; i <= position.before_join; i++) {
    priority += history_.rings[position.ring].events[i].is_priority ? 1 : 0;
  }
  if (ring().shape.lane > 0 && priority != position.before_join_priority) {
    throw Violation{"before-join's priority is wrong"};
  }
  position.before_join = position.before_join_priority = 0;
  return true;
}

// The event that find_event() found and those that follow it, or some of the
// lane in front of it.
bool Reader::take_event(int span) {
  const Slot &lead = work.copies[work.at];
  int at = work.position + work.at;
  int last = lead.sequence - 1;
  if (!rescue(last)) {
    lose(last, lead.counter - lead.is_priority, true, false);
    int done = take_run(&lead, work.count - work.at, span, at, work.head,
                        EVERYTHING, false);
    stand(at + done, position.next);
    if (position.cursor == work.head) {
      position.seen = work.head;
    }
  }
  return true;
}

bool Reader::read() {
  work = Work{};
  work.position = position.scan;
  work.reason = position.reason;
  if (tell_before_join()) {
    return true;
  }
  bool is_early = mistake_.exchanges(Step::R1, Step::R2);
  for (;;) {
    if (is_early) {
      work.count = setup_.shape.buffer;
      copy_slots();
    }
    work.head = load_head();
    if (work.head < work.position) {
      throw Violation{"head goes back"};
    }
    if (work.head == work.position) {
      return finish();
    }
    int oldest_left = work.head - setup_.shape.capacity;
    if (oldest_left > work.position) {
      work.position = oldest_left;
      work.reason = OVERWRITTEN;
    }
    work.count = std::min(work.head - work.position, setup_.shape.buffer);
    int first = oldest(is_early ? checking_ : copying_);
    work.at = std::clamp(first - work.position, 0, work.count);
    if (work.at > 0) {
      work.reason = OVERWRITTEN;
    }
    int span = find_event();
    // What was dropped plays no part any more.
    std::fill(work.copies, work.copies + work.at, Slot{});
    work.claim = 0;
    crossroads_.pass(AT_FOUND);
    int found_at = work.position + work.at;
    if (found_at > position.scan) {
      position.scan = found_at;
      position.reason = work.reason;
    }
    if (span > 0) {
      return take_event(span);
    }
    if (span < 0 && work.at == 0) {
      throw Violation{"an event does not fit into the reader's buffer"};
    }
    work.position = found_at;
    work.at = work.count = 0;
    std::fill(work.copies, work.copies + MAX_BUFFER, Slot{});
  }
}

// --- Moving over -----------------------------------------------------------

bool Reader::follow() {
  bool has_successor =
      position.ring + 1 < static_cast<int>(history_.rings.size());
  if (!has_successor || choices_.choose(2) == 1) {
    return false;
  }
  auto is_unread = [&] { return load_head() != position.seen; };
  bool is_early = mistake_.is(Flaw::LOOKS_TOO_EARLY);
  if (is_early && is_unread()) {
    return false;
  }
  trace_.say("reader: opens the new ring");
  views.see(history_.named);
  if (!is_early && !mistake_.is(Flaw::MOVES_AT_ONCE) && is_unread()) {
    return false;
  }
  int next = position.next;
  int old = position.ring;
  position = Position{};
  position.ring = old + 1;
  position.next = 1;
  position.is_counter_known = 1;
  int last = history_.memory.load(views, ring().at(Field::predecessor),
                                  Order::relaxed, choices_);
  trace_.say("reader: moves over, its predecessor ended with %d", last);
  if (next > 0 && last + 1 != next) {
    throw Violation{last + 1 > next
                        ? "events that the old ring holds are lost as replaced"
                        : "the new ring begins before the old one's end"};
  }
  taken = 0;
  return true;
}

} // namespace model
