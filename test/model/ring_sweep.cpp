#include "ring_sweep.h"

namespace model {

std::string Sweep::size() const {
  std::string text = std::to_string(shape.capacity) + "/" +
                     std::to_string(shape.batch) + "/" +
                     std::to_string(shape.buffer);
  if (shape.lane > 0) {
    text += "+" + std::to_string(shape.lane);
  }
  text += " " + std::to_string(events) + " events";
  text += has_spans ? ", spans" : "";
  text += deaths == 0 ? "" : ", " + std::to_string(deaths) + " deaths";
  return text;
}

// Every way to publish `events` in commits of at most `batch` slots.
static void add_partitions(const Commit &events, size_t at, int batch,
                           Scenario &scenario, std::vector<Scenario> &all) {
  if (at == events.size()) {
    all.push_back(scenario);
    return;
  }
  int slots = 0;
  for (size_t end = at; end < events.size(); end++) {
    slots += events[end].span;
    if (slots > batch) {
      return;
    }
    scenario.commits.push_back(
        Commit(events.begin() + at, events.begin() + end + 1));
    add_partitions(events, end + 1, batch, scenario, all);
    scenario.commits.pop_back();
  }
}

static std::vector<Scenario> without_deaths(const Sweep &sweep) {
  std::vector<Scenario> all;
  int masks = 1 << sweep.events;
  for (int priorities = 0; priorities < (sweep.has_priorities ? masks : 1);
       priorities++) {
    for (int spans = 0; spans < (sweep.has_spans ? masks : 1); spans++) {
      Commit events;
      for (int i = 0; i < sweep.events; i++) {
        events.push_back({(priorities >> i & 1) != 0, 1 + (spans >> i & 1)});
      }
      Scenario scenario;
      add_partitions(events, 0, sweep.shape.batch, scenario, all);
    }
  }
  return all;
}

// One for each store of the last writer: it dies in front of it.
static std::vector<Scenario> with_death(const std::vector<Scenario> &all,
                                        const Setup &setup) {
  std::vector<Scenario> dead;
  for (const Scenario &scenario : all) {
    History history = write(scenario, setup, false);
    for (int store = 0; store < history.stores; store++) {
      dead.push_back(scenario);
      dead.back().deaths.push_back(store);
    }
  }
  return dead;
}

static std::vector<Scenario> scenarios_of(const Sweep &sweep,
                                          const Setup &setup) {
  std::vector<Scenario> all = without_deaths(sweep);
  for (int i = 0; i < sweep.deaths; i++) {
    all = with_death(all, setup);
  }
  size_t count = all.size();
  for (size_t i = 0; i < count && sweep.deaths > 0; i++) {
    all.push_back(all[i]);
    all.back().has_heir = false;
  }
  std::vector<Scenario> changed;
  for (const Scenario &scenario : all) {
    int commits = static_cast<int>(scenario.commits.size());
    for (int at = 0; sweep.is_replaced && at <= commits - 1; at++) {
      changed.push_back(scenario);
      changed.back().replaced_at = at;
    }
    int slots = 0;
    for (const Commit &commit : scenario.commits) {
      for (const Planned &event : commit) {
        slots += event.span;
      }
    }
    for (int at = 0; sweep.is_damaged && at < slots; at++) {
      changed.push_back(scenario);
      changed.back().damaged.insert(at);
    }
  }
  return changed.empty() ? all : changed;
}

static bool run_one(const Scenario &scenario, const Sweep &sweep,
                    const Setup &setup, Leniency leniency, size_t limit,
                    Outcome &outcome) {
  History history = write(scenario, setup, false);
  outcome.violation = history.violation;
  if (outcome.violation.empty()) {
    Outcome one =
        explore_reader(history, setup, sweep.from, leniency,
                       limit > outcome.states ? limit - outcome.states : 1);
    outcome.states += one.states;
    outcome.is_cut_short = one.is_cut_short;
    outcome.violation = one.violation;
    outcome.trace = one.trace;
  }
  if (outcome.violation.empty()) {
    return !outcome.is_cut_short;
  }
  std::vector<std::string> trace{scenario.text()};
  History told = write(scenario, setup, true);
  trace.insert(trace.end(), told.trace.begin(), told.trace.end());
  trace.insert(trace.end(), outcome.trace.begin(), outcome.trace.end());
  outcome.trace = std::move(trace);
  return false;
}

Outcome run_sweep(const Sweep &sweep, const Mistake &mistake, size_t limit) {
  Setup setup = {sweep.shape, mistake, sweep.copies_backwards};
  Leniency leniency;
  leniency.is_damaged = sweep.is_damaged;
  Outcome outcome;
  for (const Scenario &scenario : scenarios_of(sweep, setup)) {
    if (!run_one(scenario, sweep, setup, leniency, limit, outcome)) {
      break;
    }
  }
  return outcome;
}

} // namespace model
