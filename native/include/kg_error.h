/* Every error of the library: a negative number in C, a stable code for
 * people and JavaScript, what happened and what to do about it. The table is
 * the only place where these stand; lib/base/error-codes.js and the README's
 * table are made from it (native/tools/generate.js). */
#ifndef KG_ERROR_H
#define KG_ERROR_H

/* clang-format off */
#define KG_ERROR_MAP(X)                                                        \
  X(KG_E_NO_RING, -1, "ERR_NO_RING",                                           \
    "There is no ring here.",                                                  \
    "Start the Shield first, or give both sides the same dir and name.")       \
  X(KG_E_RING_LOCKED, -2, "ERR_RING_LOCKED",                                   \
    "Another live writer holds this ring.",                                    \
    "Stop the other Shield, or choose another name; there is no lock file to " \
    "remove, the kernel frees the lock when its holder ends.")                 \
  X(KG_E_RING_INVALID, -3, "ERR_RING_INVALID",                                 \
    "The file is not a ring.",                                                 \
    "Start the Shield, which replaces the file, or point dir and name "        \
    "elsewhere.")                                                              \
  X(KG_E_RING_VERSION, -4, "ERR_RING_VERSION",                                 \
    "The ring has another layout version.",                                    \
    "Install the same version of kindly-guard-ipc on both sides.")             \
  X(KG_E_RING_CORRUPT, -5, "ERR_RING_CORRUPT",                                 \
    "The ring's content does not validate.",                                   \
    "Reading goes on with the next valid event; restart the Shield if it "     \
    "persists.")                                                               \
  X(KG_E_RING_TRUNCATED, -6, "ERR_RING_TRUNCATED",                             \
    "The ring file is shorter than its header says.",                          \
    "Restart the Shield, which makes a new ring.")                             \
  X(KG_E_UNSAFE_PATH, -7, "ERR_UNSAFE_PATH",                                   \
    "Somebody else could reach this path.",                                    \
    "Use a directory of your own with mode 0700 that holds no links or "       \
    "special files.")                                                          \
  X(KG_E_NO_SPACE, -8, "ERR_NO_SPACE",                                         \
    "There is no space for the ring.",                                         \
    "Free space in the file system, or lower maxEvents.")                      \
  X(KG_E_ACCESS, -9, "ERR_ACCESS",                                             \
    "The system refuses access.",                                              \
    "Check the owner and the permissions of the directory.")                   \
  X(KG_E_READ_ONLY, -10, "ERR_READ_ONLY",                                      \
    "The file system is read-only.",                                           \
    "Choose a dir on a file system that can be written.")                      \
  X(KG_E_TOO_MANY_FILES, -11, "ERR_TOO_MANY_FILES",                            \
    "No file descriptor is free.",                                             \
    "Close clients that are no longer needed, or raise the limit (ulimit "     \
    "-n).")                                                                    \
  X(KG_E_NO_MEMORY, -12, "ERR_NO_MEMORY",                                      \
    "There is no memory for this.",                                            \
    "Free memory, or lower maxEvents.")                                        \
  X(KG_E_SYSTEM, -13, "ERR_SYSTEM",                                            \
    "A system call failed.",                                                   \
    "The message names the call and its errno.")                               \
  X(KG_E_FORKED, -14, "ERR_FORKED",                                            \
    "This handle belongs to the process that forked.",                         \
    "Open a ring of its own in the child.")                                    \
  X(KG_E_CLOSED, -15, "ERR_CLOSED",                                            \
    "This object is closed.",                                                  \
    "Create a new one.")                                                       \
  X(KG_E_EVENT_TOO_LARGE, -16, "ERR_EVENT_TOO_LARGE",                          \
    "The threat takes more than a quarter of the ring.",                       \
    "Shorten its text or its context, or raise maxEvents.")                    \
  X(KG_E_BATCH_TOO_LARGE, -17, "ERR_BATCH_TOO_LARGE",                          \
    "The batch takes more than a quarter of the ring.",                        \
    "Write it in smaller batches, or raise maxEvents.")                        \
  X(KG_E_SEQUENCE_EXHAUSTED, -18, "ERR_SEQUENCE_EXHAUSTED",                    \
    "Sequence 2^53-1 was reached.",                                            \
    "Remove the ring file and restart the Shield for a new generation.")       \
  X(KG_E_INVALID_ARGUMENT, -19, "ERR_INVALID_ARGUMENT",                        \
    "An argument has the wrong type or range.",                                \
    "The message names the argument and what would do.")                       \
  X(KG_E_INVALID_OPTION, -20, "ERR_INVALID_OPTION",                            \
    "An option is unknown or has the wrong type or range.",                    \
    "The message names the option and what would do.")                         \
  X(KG_E_INVALID_THREAT, -21, "ERR_INVALID_THREAT",                            \
    "The threat has a field that cannot be carried exactly.",                  \
    "The message names the field and what would do.")                          \
  X(KG_E_SHM_UNAVAILABLE, -22, "ERR_SHM_UNAVAILABLE",                          \
    "Shared memory is not available here.",                                    \
    "The message says why; PlatformShm.isAvailable() tells without throwing.") \
  X(KG_E_WEBSOCKET_UNREACHABLE, -23, "ERR_WEBSOCKET_UNREACHABLE",              \
    "No Shield answers over WebSocket.",                                       \
    "Start the Shield with WebSocket enabled; where its discovery file "       \
    "cannot be seen, give websocket.url and websocket.tokenFile.")             \
  X(KG_E_WEBSOCKET_REFUSED, -24, "ERR_WEBSOCKET_REFUSED",                      \
    "The other end of the WebSocket is not the Shield, or it refuses us.",     \
    "Check that the token file is the running Shield's, and what else "        \
    "listens on its port.")                                                    \
  X(KG_E_WEBSOCKET_CLOSED, -25, "ERR_WEBSOCKET_CLOSED",                        \
    "The WebSocket to the Shield was closed.",                                 \
    "Nothing is to be done: the client connects again by itself.")             \
  X(KG_E_WEBSOCKET_PORT, -26, "ERR_WEBSOCKET_PORT",                            \
    "The WebSocket port is not to be had.",                                    \
    "Clients find the port that is used by the discovery file; choose "        \
    "another websocket.port to be rid of this.")                               \
  X(KG_E_DISCOVERY_INVALID, -27, "ERR_DISCOVERY_INVALID",                      \
    "The discovery file does not say where the Shield is.",                    \
    "Restart the Shield, which writes the file anew.")                         \
  X(KG_E_CONFIG_INVALID, -28, "ERR_CONFIG_INVALID",                            \
    "The configuration file cannot be used.",                                  \
    "The message names the file and what is wrong with it.")                   \
  X(KG_E_RING_FULL, -29, "ERR_RING_FULL",                                      \
    "A reliable reader has not taken what would be overwritten.",              \
    "Nothing was written; try again after 'drain' or await writable().")       \
  X(KG_E_TOO_MANY_READERS, -30, "ERR_TOO_MANY_READERS",                        \
    "The ring has no room for another reliable reader.",                       \
    "Close one of them, or read without reliable.")                            \
  X(KG_E_BENCHMARK_FAILED, -31, "ERR_BENCHMARK_FAILED",                        \
    "The benchmark did not come to its end.",                                  \
    "The message says what happened; nothing was measured.")
/* clang-format on */

enum kg_error {
  KG_OK = 0,
#define X(name, number, code, what, advice) name = number,
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
const char *kg_error_code(int error);

/* What happened, as one sentence. Static storage; never NULL. */
const char *kg_error_what(int error);

/* What to do about it, as one sentence. Static storage; never NULL. */
const char *kg_error_advice(int error);

#ifdef __cplusplus
}
#endif

#endif
