// The edges of the C++ header, for tests: prints lines of JSON.
//
//   edges handles DIR          moves and closes, and says what comes of it
//   edges succession DIR       a ring that is cut short, and the next one
//   edges hostile DIR ROUNDS   reads and writes rings that it damages meanwhile
//   edges position DIR         stands behind what was given, and goes on there
//   edges memory DIR           has no memory for each part of a large event
//   edges pages DIR            says in which pages a ring is, at both ends
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include "numbered.hpp"

namespace {

template <typename Call> void say(const char *what, Call call) {
  std::string code = "fine";
  try {
    call();
  } catch (const kg::Error &error) {
    code = error.code();
  }
  std::cout << "{\"" << what << "\":" << quoted(code) << "}" << std::endl;
}

int handles(const std::string &dir) {
  say("no ring", [&] { kg::Reader reader{kg::Options(dir)}; });
  kg::Writer writer(options_of(dir));
  say("second writer", [&] { kg::Writer second(options_of(dir)); });
  say("NUL", [&] { kg::Writer third{kg::Options(std::string("a\0b", 3))}; });
  kg::Writer moved(std::move(writer));
  say("moved", [&] { moved.write(numbered(1)); });
  say("moved from", [&] { writer.write(numbered(1)); });
  say("large", [&] {
    kg::Threat threat;
    threat.details = repeated("x", 100000);
    moved.write(threat);
  });
  say("large batch",
      [&] { moved.write_all(std::vector<kg::Threat>(65, numbered(2))); });
  struct Throws {
    kg::Threat threat;
    struct Iterator {
      const kg::Threat *at;
      bool operator!=(const Iterator &) const {
        return true;
      }
      Iterator &operator++() {
        throw kg::Error(KG_E_SYSTEM);
      }
      const kg::Threat &operator*() const {
        return *at;
      }
    };
    Iterator begin() const {
      return Iterator{&threat};
    }
    Iterator end() const {
      return Iterator{&threat};
    }
  };
  say("half a batch", [&] { moved.write_all(Throws()); });

  moved.write_all(std::vector<kg::Threat>(1, numbered(2)));

  kg::Reader reader{kg::Options(dir)};
  reader.seek(KG_FROM_OLDEST);
  kg::Threat threat;
  kg::Loss loss;
  reader.next(threat, loss);
  std::cout << "{\"given\":" << quoted(threat.details) << "}" << std::endl;
  // With what was copied and not given yet.
  kg::Reader other(std::move(reader));
  const auto on_loss = [](const kg::Loss &) {};
  const auto ends = [](const kg::Threat &) { return false; };
  say("next moved from", [&] { reader.next(threat, loss); });
  say("poll moved from", [&] { reader.poll(ends, on_loss, 0); });
  say("stop moved from", [&] { reader.stop(); });
  other.next(threat, loss);
  std::cout << "{\"given\":" << quoted(threat.details) << "}" << std::endl;
  std::thread stops([&] { other.stop(); });
  const bool was_ended = other.poll(ends, on_loss);
  stops.join();
  std::cout << "{\"stopped\":" << quoted(was_ended ? "no" : "yes") << "}"
            << std::endl;
  // Whoever takes another's place closes what he had.
  moved.close();
  moved.close();
  say("closed", [&] { moved.beat(); });
  kg::Writer again(options_of(dir));
  other.close();
  say("closed reader", [&] { other.stats(); });
  say("closed poll", [&] { other.poll(ends, on_loss, 0); });
  return 0;
}

int succession(const std::string &dir) {
  kg::Options options(dir);
  options.raw.max_events = 4096;
  kg::Writer writer(options);
  kg::Reader reader(options);
  const auto tell = [&] {
    const bool was_ended = reader.poll(
        [&](const kg::Threat &threat) {
          std::cout << "{\"threat\":" << threat.sequence
                    << ",\"bytes\":" << threat.details.size()
                    << ",\"old\":" << (threat.generation != reader.generation())
                    << "}" << std::endl;
          return true;
        },
        [&](const kg::Loss &loss) {
          std::cout << "{\"loss\":" << quoted(loss.name())
                    << ",\"from\":" << loss.from << ",\"to\":" << loss.to
                    << ",\"old\":" << (loss.generation != reader.generation())
                    << "}" << std::endl;
        },
        300);
    std::cout << "{\"ended\":" << was_ended << "}" << std::endl;
  };
  kg::Threat large = numbered(1);
  large.details = repeated("x", 200000);
  writer.write(large);
  tell();
  writer.write(numbered(2));
  if (truncate((dir + "/kindly-guard.shm").c_str(), 65536) != 0) {
    std::abort();
  }
  tell();
  writer.beat();
  writer.write(numbered(3));
  tell();
  return 0;
}

void damage(std::mt19937 &random, int file, off_t size) {
  const unsigned count[] = {1, 3, 100};
  for (unsigned i = count[random() % 3]; i > 0; i--) {
    const off_t part[][2] = {{0, 896}, {65536, 4096}, {131072, size - 131072}};
    const off_t *at = part[random() % 3];
    const unsigned char byte = static_cast<unsigned char>(random());
    const off_t offset = at[0] + static_cast<off_t>(random()) % at[1];
    if (pwrite(file, &byte, 1, offset) != 1) {
      std::abort();
    }
  }
}

int hostile(const std::string &dir, int rounds) {
  std::mt19937 random(11);
  std::uint64_t read = 0, refused = 0;
  for (int round = 0; round < rounds; round++) {
    kg::Options options(dir);
    options.raw.max_events = 16;
    options.raw.no_checksums = random() % 2 == 0;
    int file = -1;
    try {
      kg::Writer writer(options);
      for (unsigned long i = random() % 20; i > 0; i--) {
        kg::Threat threat = numbered(i);
        threat.details.append(random() % 900, 'x');
        threat.context = "{\"at\":1}";
        writer.write(threat);
      }
      struct stat status;
      file = open((dir + "/kindly-guard.shm").c_str(), O_RDWR | O_CLOEXEC);
      if (file < 0 || fstat(file, &status) != 0) {
        std::abort();
      }
      options.raw.reliable = true;
      kg::Reader reader(options);
      reader.seek(KG_FROM_OLDEST);
      for (int i = 0; i < 4; i++) {
        int most = 200;
        const auto count = [&](const kg::Threat &threat) {
          read += threat.source.size() > 0 || threat.details.size() > 0;
          return --most > 0;
        };
        reader.poll(
            count, [&](const kg::Loss &) { most--; }, 0);
        damage(random, file, status.st_size);
        reader.arm();
        writer.write(numbered(1));
      }
      writer.beat();
    } catch (const kg::Error &) {
      refused++;
    }
    if (file >= 0) {
      close(file);
    }
  }
  std::cout << "{\"read\":" << read << ",\"refused\":" << refused << "}"
            << std::endl;
  return 0;
}

int position(const std::string &dir) {
  kg::Writer writer(options_of(dir));
  for (std::uint64_t number = 1; number <= 3; number++) {
    writer.write(numbered(number));
  }
  kg::Threat threat;
  kg::Loss loss;
  kg::Reader reader{kg::Options(dir)};
  reader.seek(KG_FROM_OLDEST);
  reader.next(threat, loss);
  const kg_position behind = reader.position();
  std::cout << "{\"next\":" << behind.next << ",\"armed\":" << reader.arm()
            << "}" << std::endl;
  kg::Reader other{kg::Options(dir)};
  other.seek_position(behind);
  while (other.next(threat, loss) == kg::Item::threat) {
    std::cout << "{\"sequence\":" << threat.sequence << "}" << std::endl;
  }
  return 0;
}

/* The large allocation that is refused, from now on; 0: none. */
int refused = 0;
const std::size_t LARGE = 100000;

int memory(const std::string &dir) {
  kg::Options options(dir);
  options.raw.max_events = 4096;
  kg::Writer writer(options);
  kg::Threat threat = numbered(1);
  threat.details = repeated("x", 200000);
  writer.write(threat);
  for (int which = 1; which <= 6; which++) {
    kg::Reader reader(options);
    reader.seek(KG_FROM_OLDEST);
    threat = kg::Threat();
    kg::Loss loss;
    int failed = 0;
    kg::Item item = kg::Item::none;
    refused = which;
    while (item != kg::Item::threat) {
      try {
        item = reader.next(threat, loss);
      } catch (const std::bad_alloc &) {
        failed++;
      }
    }
    refused = 0;
    std::cout << "{\"failed\":" << failed
              << ",\"bytes\":" << threat.details.size() << "}" << std::endl;
  }
  return 0;
}

void say_pages(const char *what, std::uint64_t file_bytes,
               const kg_memory &memory) {
  std::uint64_t on_nodes = 0;
  for (std::uint32_t i = 0; i < memory.nodes; i++) {
    on_nodes += memory.node[i];
  }
  std::cout << "{\"" << what << "\":{\"file\":" << file_bytes
            << ",\"page\":" << memory.page_bytes
            << ",\"resident\":" << memory.resident
            << ",\"huge\":" << memory.huge << ",\"nodes\":" << memory.nodes
            << ",\"onNodes\":" << on_nodes << "}}" << std::endl;
}

int pages(const std::string &dir) {
  kg::Options options(dir);
  options.raw.huge_pages = KG_HUGE_OFF;
  kg::Writer writer(options);
  writer.write(numbered(1));
  kg::Reader reader(options);
  say_pages("writer", writer.info().file_bytes, writer.memory());
  say_pages("reader", reader.info().file_bytes, reader.memory());
  const pid_t child = fork();
  if (child == 0) {
    say("forked writer", [&] { writer.memory(); });
    say("forked reader", [&] { reader.memory(); });
    _exit(0);
  }
  if (child < 0 || waitpid(child, nullptr, 0) != child) {
    std::abort();
  }
  options.raw.huge_pages = KG_HUGE_REQUIRE;
  say("required", [&] { kg::Reader other(options); });
  options.raw.huge_pages = KG_HUGE_AUTO;
  std::cout << "{\"first node\":" << kg::numa_node(0) << "}" << std::endl;
  options.raw.numa_node = kg::numa_node(1023);
  options.name = "other";
  say("no such node", [&] { kg::Writer other(options); });
  writer.close();
  reader.close();
  say("closed writer", [&] { writer.memory(); });
  say("closed reader", [&] { reader.memory(); });
  return 0;
}

int run(const std::vector<std::string> &words) {
  const std::string dir = words.at(1);
  return words.at(0) == "handles"      ? handles(dir)
         : words.at(0) == "succession" ? succession(dir)
         : words.at(0) == "position"   ? position(dir)
         : words.at(0) == "memory"     ? memory(dir)
         : words.at(0) == "pages"      ? pages(dir)
                                       : hostile(dir, std::stoi(words.at(2)));
}

} // namespace

void *operator new(std::size_t bytes) {
  void *memory = bytes >= LARGE && refused > 0 && --refused == 0
                     ? nullptr
                     : std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

void operator delete(void *memory) noexcept {
  std::free(memory);
}

void operator delete(void *memory, std::size_t) noexcept {
  std::free(memory);
}

int main(int argc, char **argv) {
  try {
    return run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception &error) {
    std::cerr << error.what() << std::endl;
    return 1;
  }
}
