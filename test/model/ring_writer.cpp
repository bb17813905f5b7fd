#include "ring_writer.h"

#include "ring_life.h"

namespace model {

std::string Scenario::text() const {
  std::string text;
  for (size_t i = 0; i < commits.size(); i++) {
    text += static_cast<int>(i) == replaced_at ? "| [" : "[";
    for (const Planned &event : commits[i]) {
      text += event.is_priority ? "P" : ".";
      text += event.span > 1 ? "-" : "";
    }
    text += "]";
  }
  for (int death : deaths) {
    text += " death@" + std::to_string(death);
  }
  text += deaths.empty() || has_heir ? "" : " no heir";
  for (int position : damaged) {
    text += " damaged:" + std::to_string(position);
  }
  return text;
}

static int payloads_before(const Scenario &scenario, size_t commit) {
  int count = 1;
  for (size_t i = 0; i < commit; i++) {
    count += static_cast<int>(scenario.commits[i].size());
  }
  return count;
}

// Runs one writer; false when it died.
static bool live(Writer &writer, const Scenario &scenario, bool is_successor,
                 size_t &commit) {
  try {
    if (is_successor) {
      writer.begin();
    }
    while (commit < scenario.commits.size()) {
      if (static_cast<int>(commit) == scenario.replaced_at) {
        writer.replace();
      }
      size_t now = commit++;
      writer.commit(scenario.commits[now], payloads_before(scenario, now));
    }
  } catch (const Death &) {
    return false;
  }
  return true;
}

static void settle(RingHistory &history, const Memory &memory) {
  history.end = memory.newest(history.ring.at(Field::head));
  for (size_t i = 1; i < history.events.size(); i++) {
    const Event &event = history.events[i];
    if (event.position + event.span <= history.end) {
      history.published = static_cast<int>(i);
    }
  }
}

History write(const Scenario &scenario, const Setup &setup, bool has_trace) {
  Ring ring(setup.shape, 0);
  int rings = scenario.replaced_at >= 0 ? 2 : 1;
  History history(ring.locations() * rings);
  history.rings.push_back(RingHistory(ring));
  history.damaged = scenario.damaged;
  Trace trace;
  trace.is_wanted = has_trace;
  size_t commit = 0;
  for (size_t life = 0;; life++) {
    bool is_mortal = life < scenario.deaths.size();
    int number = static_cast<int>(life) + 1;
    Writer writer(history, setup, scenario, number,
                  is_mortal ? scenario.deaths[life] : -1, trace);
    try {
      history.has_died = !live(writer, scenario, life > 0, commit);
    } catch (const Corrupt &corrupt) {
      history.violation =
          "a successor calls an honest ring corrupt: " + corrupt.why;
    } catch (const Violation &violation) {
      history.violation = violation.what;
    }
    if (!history.violation.empty()) {
      break;
    }
    // The lock's transfer: the next one has seen everything, and has not had a
    // release fence of its own.
    Views &views = history.memory.views(0);
    views.acquirable = views.current;
    views.releasable = View{};
    bool is_last = life + 1 >= scenario.deaths.size() && !scenario.has_heir;
    if (!history.has_died || is_last) {
      break;
    }
  }
  history.end = history.memory.views(0).current;
  for (RingHistory &each : history.rings) {
    settle(each, history.memory);
  }
  history.trace = std::move(trace.lines);
  return history;
}

} // namespace model
