{
  "targets": [
    {
      "target_name": "kindly_guard_ipc",
      "sources": [
        "native/binding.cc",
        "native/binding_writer.cc",
        "native/binding_lock.cc",
        "native/binding_reader.cc",
        "native/poller.c",
        "native/room_poll.c",
        "native/core/crc32c.c",
        "native/core/error.c",
        "native/core/lock_file.c",
        "native/core/ownership.c",
        "native/core/reader.c",
        "native/core/reader_cell.c",
        "native/core/ring.c",
        "native/core/ring_cursor.c",
        "native/core/ring_reader.c",
        "native/core/ring_room.c",
        "native/core/ring_seek.c",
        "native/core/ring_writer.c",
        "native/core/segment.c",
        "native/core/system.c",
        "native/core/threat.c",
        "native/core/writer.c",
        "native/core/writer_room.c"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "NODE_API_NO_EXTERNAL_BUFFERS_ALLOWED"
      ],
      "cflags": ["-Wall", "-Wextra", "-fvisibility=hidden", "-O3"],
      "cflags_c": ["-std=c11"],
      "cflags_cc": ["-std=c++17", "-fno-exceptions"],
      "conditions": [
        ["OS=='linux'", {
          "sources": [
            "native/platform/linux.c",
            "native/platform/linux_chime.c",
            "native/platform/linux_clock.c",
            "native/platform/posix.c",
            "native/platform/posix_error.c",
            "native/platform/posix_guard.c",
            "native/platform/posix_lock.c"
          ],
          "defines": ["_GNU_SOURCE"],
          "ldflags": ["-Wl,-z,nodelete"]
        }]
      ]
    }
  ]
}
