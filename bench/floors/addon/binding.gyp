{
  "targets": [
    {
      "target_name": "barest",
      "sources": ["barest.c"],
      "defines": ["NAPI_VERSION=8", "_GNU_SOURCE"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-O3"]
    }
  ]
}
