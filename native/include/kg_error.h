/* Every error of the library: KG_E_NO_RING, a negative number, in C and its
 * stable code ERR_NO_RING for people and JavaScript, what happened and what to
 * do about it. lib/base/error-codes.json and the table in docs/errors.md are
 * made from this table (native/tools/generate.js). Where it names what only
 * JavaScript has, kg_error_what and kg_error_advice have C's words. */
#ifndef KG_ERROR_H
#define KG_ERROR_H

/* What makes a function one that a shared library gives to others: whoever
 * compiles that library says it. */
#ifndef KG_API
#define KG_API
#endif

/* clang-format off */
#define KG_ERROR_MAP(X)                                                        \
  X(NO_RING, -1, "There is no ring here.",                                     \
    "Start the Shield first, or give both sides the same dir and name.")       \
  X(RING_LOCKED, -2, "Another live writer holds this ring.",                   \
    "Stop the other Shield, or choose another name; there is no lock file to " \
    "remove, the kernel frees the lock when its holder ends.")                 \
  X(RING_INVALID, -3, "The file is not a ring.",                               \
    "Start the Shield, which replaces the file, or point dir and name "        \
    "elsewhere.")                                                              \
  X(RING_VERSION, -4, "The ring has another layout version.",                  \
    "Install the same version of kindly-guard-ipc on both sides.")             \
  X(RING_CORRUPT, -5, "The ring's content does not validate.",                 \
    "Reading goes on with the next valid event; restart the Shield if it "     \
    "persists.")                                                               \
  X(RING_TRUNCATED, -6, "The ring file is shorter than its header says.",      \
    "Restart the Shield, which makes a new ring.")                             \
  X(UNSAFE_PATH, -7, "Somebody else could reach this path.",                   \
    "Use a directory of your own with mode 0700 that holds no links or "       \
    "special files.")                                                          \
  X(NO_SPACE, -8, "There is no space for the ring.",                           \
    "Free space in the file system, or lower maxEvents.")                      \
  X(ACCESS, -9, "The system refuses access.",                                  \
    "Check the directory's owner and permissions, or allow what is named.")    \
  X(READ_ONLY, -10, "The file system is read-only.",                           \
    "Choose a dir on a file system that can be written.")                      \
  X(TOO_MANY_FILES, -11, "No file descriptor is free.",                        \
    "Close clients that are no longer needed, or raise the limit (ulimit "     \
    "-n).")                                                                    \
  X(NO_MEMORY, -12, "There is no memory for this.",                            \
    "Free memory, or lower maxEvents.")                                        \
  X(SYSTEM, -13, "A system call failed.",                                      \
    "The message names the call and its errno.")                               \
  X(FORKED, -14, "This handle belongs to the process that forked.",            \
    "Open a ring of its own in the child.")                                    \
  X(CLOSED, -15, "This object is closed.",                                     \
    "Create a new one.")                                                       \
  X(EVENT_TOO_LARGE, -16,                                                      \
    "The threat has more than maxEventBytes, or takes more than a quarter of " \
    "the ring.",                                                               \
    "Shorten its text or its context, or raise maxEventBytes or maxEvents.")   \
  X(BATCH_TOO_LARGE, -17, "The batch takes more than a quarter of the ring.",  \
    "Write it in smaller batches, or raise maxEvents.")                        \
  X(SEQUENCE_EXHAUSTED, -18, "Sequence 2^53-1 was reached.",                   \
    "Remove the ring file and restart the Shield for a new generation.")       \
  X(INVALID_ARGUMENT, -19, "An argument has the wrong type or range.",         \
    "The message names the argument and what would do.")                       \
  X(INVALID_OPTION, -20,                                                       \
    "An option is unknown or has the wrong type or range.",                    \
    "The message names the option and what would do.")                         \
  X(INVALID_THREAT, -21,                                                       \
    "The threat has a field that cannot be carried exactly.",                  \
    "The message names the field and what would do.")                          \
  X(SHM_UNAVAILABLE, -22, "Shared memory is not available here.",              \
    "The message says why; PlatformShm.isAvailable() tells without throwing.") \
  X(WEBSOCKET_UNREACHABLE, -23, "No Shield answers over WebSocket.",           \
    "Start the Shield with WebSocket enabled; where its discovery file "       \
    "cannot be seen, give websocket.url and websocket.tokenFile.")             \
  X(WEBSOCKET_REFUSED, -24,                                                    \
    "The other end of the WebSocket is not the Shield, or it refuses us.",     \
    "Check that the token file is the running Shield's, and what else "        \
    "listens on its port.")                                                    \
  X(WEBSOCKET_CLOSED, -25, "The WebSocket to the Shield was closed.",          \
    "Nothing is to be done: the client connects again by itself.")             \
  X(WEBSOCKET_PORT, -26, "The WebSocket port is taken, or not allowed.",       \
    "Clients find the new one in the discovery file; to keep to one port, "    \
    "choose another websocket.port.")                                          \
  X(DISCOVERY_INVALID, -27,                                                    \
    "The discovery file does not say where the Shield is.",                    \
    "Restart the Shield, which writes the file anew.")                         \
  X(CONFIG_INVALID, -28, "The configuration file cannot be used.",             \
    "The message names the file and what is wrong with it.")                   \
  X(RING_FULL, -29,                                                            \
    "A reliable reader has not taken what would be overwritten.",              \
    "Nothing was written; try again after 'drain' or await writable().")       \
  X(TOO_MANY_READERS, -30,                                                     \
    "The ring has no room for another reliable reader.",                       \
    "Close one of them, or read without reliable.")                            \
  X(BENCHMARK_FAILED, -31, "The benchmark did not come to its end.",           \
    "The message says what happened; nothing was measured.")                   \
  X(POSITION_INVALID, -32, "The saved position cannot be used.",               \
    "Reading begins where `from` says; savePosition() writes the file anew.")  \
  X(NO_ZLIB, -33, "This library was built without zlib.",                      \
    "Build it with zlib (docs/c-api.md); what is not deflated needs none.")    \
  X(WRONG_THREAD, -34, "This handle belongs to another thread.",               \
    "Call kg_writer_adopt or kg_reader_adopt in the thread that takes it "     \
    "over, or open the writer with any_thread.")                               \
  X(HUGE_PAGES, -35, "The ring cannot be had in huge pages.",                  \
    "The message says what to set in the system; hugePages 'auto' goes on "    \
    "with small pages.")                                                       \
  X(NUMA_NODE, -36, "The ring cannot be put on this NUMA node.",               \
    "The message says why and which nodes there are; without numaNode the "    \
    "system chooses.")
/* clang-format on */

enum kg_error {
  KG_OK = 0,
#define X(name, number, what, advice) KG_E_##name = number,
  KG_ERROR_MAP(X)
#undef X
};

/* What a failed call can say beyond its number. */
typedef struct kg_failure {
  int error;        /* one of enum kg_error */
  int system_error; /* errno, or 0 */
  char detail[600]; /* one sentence without a full stop: path, holder ... */
} kg_failure;

#ifdef __cplusplus
extern "C" {
#endif

/* The stable code of an error ("ERR_NO_RING"), "ERR_UNKNOWN" for any other
 * number. Static storage; never NULL. */
KG_API const char *kg_error_code(int error);

/* What happened, as one sentence. Static storage; never NULL. */
KG_API const char *kg_error_what(int error);

/* What to do about it, as one sentence. Static storage; never NULL. */
KG_API const char *kg_error_advice(int error);

#ifdef __cplusplus
}
#endif

#endif
