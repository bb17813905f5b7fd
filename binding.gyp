{
  "targets": [
    {
      "target_name": "kindly_guard_ipc",
      "sources": [
        "native/addon/addon.cc",
        "native/addon/lock.cc",
        "native/addon/reader.cc",
        "native/addon/writer.cc",
        "native/loop/poller.c",
        "native/base/cpu.c",
        "native/base/error.c",
        "native/base/nap.c",
        "native/base/thread.c",
        "native/base/version.c",
        "native/text/continuation.c",
        "native/text/deflate.c",
        "native/text/id.c",
        "native/text/json.c",
        "native/text/threat_check.c",
        "native/text/utf8.c",
        "native/ring/crc32c.c",
        "native/ring/ring.c",
        "native/ring/ring_cursor.c",
        "native/ring/ring_lane.c",
        "native/ring/ring_reader.c",
        "native/ring/ring_seek.c",
        "native/ring/ring_space.c",
        "native/ring/ring_writer.c",
        "native/ring/threat.c",
        "native/ring/threat_wide.c",
        "native/file/acquire.c",
        "native/file/directories.c",
        "native/file/lock.c",
        "native/file/lock_file.c",
        "native/file/options.c",
        "native/file/owner.c",
        "native/file/placement.c",
        "native/file/position.c",
        "native/file/reader.c",
        "native/file/reader_facts.c",
        "native/file/reader_reopen.c",
        "native/file/reader_wait.c",
        "native/file/registration.c",
        "native/file/segment.c",
        "native/file/writer.c",
        "native/file/writer_facts.c",
        "native/file/writer_space.c"
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
            "native/platform/linux_clock.c",
            "native/platform/linux_placement.c",
            "native/platform/linux_numa.c",
            "native/platform/linux_wake_file.c",
            "native/platform/posix.c",
            "native/platform/posix_error.c",
            "native/platform/posix_guard.c",
            "native/platform/posix_lock.c",
            "native/platform/posix_wake_file.c",
            "native/loop/watch_poll.c"
          ],
          "defines": ["_GNU_SOURCE"],
          "cflags": ["-flto"],
          "ldflags": ["-flto", "-O3", "-Wl,-z,nodelete", "-Wl,-z,now"]
        }],
        ["OS=='mac'", {
          "sources": [
            "native/platform/darwin.c",
            "native/platform/darwin_placement.c",
            "native/platform/darwin_wake_file.c",
            "native/platform/posix.c",
            "native/platform/posix_error.c",
            "native/platform/posix_guard.c",
            "native/platform/posix_lock.c",
            "native/platform/posix_wake_file.c",
            "native/loop/watch_fs_event.c"
          ],
          "defines": ["_DARWIN_C_SOURCE"],
          "xcode_settings": {
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "GCC_OPTIMIZATION_LEVEL": "3",
            "MACOSX_DEPLOYMENT_TARGET": "11.0",
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
            "GCC_C_LANGUAGE_STANDARD": "c11",
            "WARNING_CFLAGS": ["-Wall", "-Wextra"]
          }
        }],
        ["OS=='win'", {
          "sources": [
            "native/platform/win32_bell.c",
            "native/platform/win32_clock.c",
            "native/platform/win32_dir.c",
            "native/platform/win32_error.c",
            "native/platform/win32_file.c",
            "native/platform/win32_lock.c",
            "native/platform/win32_memory.c",
            "native/platform/win32_owner.c",
            "native/platform/win32_path.c",
            "native/platform/win32_placement.c",
            "native/platform/win32_pointer.c",
            "native/platform/win32_system.c",
            "native/platform/win32_wake_file.c",
            "native/loop/watch_none.c"
          ],
          "defines": [
            "_WIN32_WINNT=0x0A00",
            "WIN32_LEAN_AND_MEAN",
            "__USE_MINGW_ANSI_STDIO=1",
            "USING_UV_SHARED=1"
          ],
          "ldflags": ["-ladvapi32", "-lbcrypt", "-luserenv"]
        }]
      ]
    }
  ]
}
