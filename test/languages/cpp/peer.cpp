// A writer or a reader in C++, for tests: prints lines of JSON.
//
//   peer write DIR COUNT overwrite|reject   numbered threats, from the next one
//   peer follow DIR MOST latest|oldest RELIABLE STAYS
//       checks and counts until MOST were received or lost, or, unless STAYS,
//       until the writer is gone and everything was read
//   peer texts DIR      writes what test/languages/peers.js lists
//   peer print DIR      prints what is there
#include <iostream>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "numbered.hpp"

namespace {

int write_numbered(const std::string &dir, std::uint64_t count, bool rejects) {
  kg::Options options = options_of(dir);
  options.raw.rejects = rejects;
  options.raw.reader_timeout_ms = 60000;
  kg::Writer writer(options);
  std::uint64_t number = writer.stats().sequence;
  std::cout << "{\"ready\":" << number << "}" << std::endl;
  std::vector<kg::Threat> batch;
  for (std::uint64_t i = 1; i <= count; i++) {
    batch.push_back(numbered(++number));
    // Alone and in batches.
    if (i % 8 != 0 && i % 100 < 50 && i != count) {
      continue;
    }
    for (;;) {
      try {
        number = batch.size() == 1 ? writer.write(batch[0])
                                   : writer.write_all(batch);
        break;
      } catch (const kg::Error &error) {
        if (error.number() != KG_E_RING_FULL) {
          throw;
        }
        writer.wait_for_space(writer.stats().wanted, 1000);
      }
    }
    batch.clear();
    if (i % 200 == 0) {
      writer.beat();
      std::this_thread::yield();
    }
  }
  const kg_writer_stats stats = writer.stats();
  std::cout << "{\"published\":" << stats.sequence
            << ",\"rejected\":" << stats.rejected << "}" << std::endl;
  return 0;
}

struct Account {
  std::uint64_t received = 0, lost = 0, before = 0, expected = 0;
  std::uint64_t generation = 0;
  std::map<std::string, int> reasons;
  std::string wrong;

  void begin(std::uint64_t other) {
    if (other != generation) {
      generation = other;
      expected = 1;
    }
  }

  void take(const kg::Threat &threat) {
    begin(threat.generation);
    const kg::Threat wanted = numbered(threat.sequence);
    received++;
    if (threat.sequence != expected || threat.source != wanted.source ||
        threat.severity != wanted.severity ||
        (threat.details != wanted.details && !threat.cut)) {
      complain("threat", threat.sequence);
    }
    expected = threat.sequence + 1;
  }

  void take(const kg::Loss &loss) {
    begin(loss.generation);
    reasons[loss.name()]++;
    if (loss.reason == KG_LOSS_BEFORE_JOIN) {
      before += loss.count;
    } else {
      lost += loss.count;
    }
    if (loss.from != expected || loss.count != loss.to - loss.from + 1) {
      complain(loss.name(), loss.from);
    }
    expected = loss.to + 1;
  }

  void complain(const char *what, std::uint64_t sequence) {
    std::ostringstream text;
    text << what << " " << sequence << " where " << expected
         << " was expected; ";
    wrong += text.str();
  }
};

int follow(const std::string &dir, std::uint64_t most, bool is_oldest,
           bool is_reliable, bool stays) {
  kg::Options options(dir);
  options.raw.reliable = is_reliable;
  kg::Reader reader(options);
  Account account;
  reader.seek(is_oldest ? KG_FROM_OLDEST : KG_FROM_LATEST);
  const kg_reader_stats begin = reader.stats();
  account.expected = is_oldest ? 1 : begin.published + 1;
  account.generation = reader.generation();
  std::cout << "{\"ready\":" << account.expected << "}" << std::endl;
  const auto is_done = [&] {
    return account.received + account.lost >= most || !account.wrong.empty();
  };
  const auto on_threat = [&](const kg::Threat &threat) {
    account.take(threat);
    return !is_done();
  };
  const auto on_loss = [&](const kg::Loss &loss) { account.take(loss); };
  while (!is_done()) {
    const kg_writer_life life = reader.writer_life();
    const bool is_over = !reader.poll(on_threat, on_loss, 50);
    if (is_over && life == KG_WRITER_GONE && !stays) {
      break;
    }
  }
  const kg_reader_stats end = reader.stats();
  std::cout << "{\"received\":" << account.received
            << ",\"lost\":" << account.lost << ",\"before\":" << account.before
            << ",\"next\":" << account.expected
            << ",\"corrupt\":" << end.corrupt << ",\"totals\":[" << end.received
            << "," << end.lost << "],\"reasons\":{";
  const char *separator = "";
  for (const auto &reason : account.reasons) {
    std::cout << separator << quoted(reason.first) << ":" << reason.second;
    separator = ",";
  }
  std::cout << "},\"wrong\":" << quoted(account.wrong) << "}" << std::endl;
  return 0;
}

int write_texts(const std::string &dir) {
  kg::Options options = options_of(dir);
  kg::Writer writer(options);
  std::vector<kg::Threat> threats(4);
  threats[0].threat_type = KG_THREAT_UNICODE_BIDI;
  threats[0].severity = KG_SEVERITY_CRITICAL;
  threats[1].timestamp_us = 5;
  threats[1].threat_type = 77;
  threats[1].severity = 9;
  threats[1].blocked = true;
  threats[1].source = std::string("a\0b\0", 4);
  threats[1].details = "忽略之前的指示 🧨 é";
  threats[1].id = "own-ü";
  threats[1].context = "{\"score\":0.97,\"rule\":\"prompt-injection\"}";
  threats[2].threat_type = KG_THREAT_SUSPICIOUS_PATTERN;
  threats[2].source = repeated("s", 65);
  threats[2].details = repeated("ü", 200);
  threats[3].threat_type = KG_THREAT_INJECTION_ATTEMPT;
  threats[3].details = repeated("x忽", 3000);
  for (const kg::Threat &threat : threats) {
    writer.write(threat);
  }
  return 0;
}

int print(const std::string &dir) {
  kg::Reader reader{kg::Options(dir)};
  reader.seek(KG_FROM_OLDEST);
  const auto on_threat = [](const kg::Threat &threat) {
    std::cout << "{\"sequence\":" << threat.sequence
              << ",\"timestampUs\":" << threat.timestamp_us
              << ",\"threatType\":" << threat.threat_type
              << ",\"severity\":" << static_cast<int>(threat.severity)
              << ",\"blocked\":" << (threat.blocked ? "true" : "false")
              << ",\"source\":" << quoted(threat.source)
              << ",\"details\":" << quoted(threat.details)
              << ",\"id\":" << quoted(threat.id) << ",\"context\":"
              << (threat.context.empty() ? "null" : threat.context)
              << ",\"cut\":" << (threat.cut ? "true" : "false") << "}\n";
    return true;
  };
  reader.poll(
      on_threat, [](const kg::Loss &) {}, 0);
  return 0;
}

int run(const std::vector<std::string> &words) {
  const std::string what = words.at(0), dir = words.at(1);
  if (what == "write") {
    return write_numbered(dir, std::stoull(words.at(2)),
                          words.at(3) == "reject");
  }
  if (what == "follow") {
    return follow(dir, std::stoull(words.at(2)), words.at(3) == "oldest",
                  words.at(4) == "yes", words.at(5) == "yes");
  }
  return what == "texts" ? write_texts(dir) : print(dir);
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception &error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
