#!/bin/sh
# run.sh <sanitizer, what else makes them slow, or ''> <test binary>...: runs
# every test of every binary, each in its own process, and counts. One binary for
# each CPU at a time, since most tests wait for something.
#
# A test that hangs is ended and has failed. It has a time limit of its own
# (check.c), which it may lose; this one, from outside, is longer.

# KG_TEST_RUNNER is what runs the binaries, wine for those of Windows.

# run_one <wrapper> <binary> <index> <file for what it prints>
run_one() {
  # shellcheck disable=SC2086 # the wrapper is a command with its options
  $1 "$2" --run "$3" >"$4" 2>&1 </dev/null
}

# Whether wine's own server left the test <code> <what it printed>: seen once in
# some thousand tests, with nothing printed but that.
is_left_by_wine() {
  [ "$1" -ne 0 ] && [ -s "$2" ] && ! grep -qv '^wine client error:' "$2"
}

# run_tests <wrapper> <binary>: what it prints about one test is one write, so
# that lines of binaries which run side by side stay whole. What a test prints
# goes through a file: what wine starts beside it would keep a pipe open.
run_tests() {
  name=${2#build/}
  name=${name%.exe}
  index=0
  said=$(mktemp)
  # shellcheck disable=SC2086 # the wrapper is a command with its options
  $1 "$2" --list >"$said" 2>"$said.errors" </dev/null
  code=$?
  titles=$(cat "$said")
  if [ $code -ne 0 ] || [ -z "$titles" ]; then
    printf 'FAIL %s: it lists no tests (exit %s)\n%s\n' "$name" "$code" \
      "$(sed 's/^/     /' "$said.errors")"
    rm -f "$said" "$said.errors"
    return
  fi
  rm -f "$said.errors"
  printf '%s\n' "$titles" | while IFS= read -r title; do
    run_one "$1" "$2" "$index" "$said"
    code=$?
    if is_left_by_wine "$code" "$said"; then
      run_one "$1" "$2" "$index" "$said"
      code=$?
    fi
    if [ "$code" -eq 0 ]; then
      echo "ok   $name: $title"
    else
      # By timeout, which KILL ends along with the test.
      if [ "$code" -eq 137 ]; then code='137: killed, or over its time'; fi
      printf 'FAIL %s: %s (exit %s, --run %d)\n%s\n' "$name" "$title" "$code" \
        "$index" "$(sed 's/^/     /' "$said")"
    fi
    index=$((index + 1))
  done
  rm -f "$said"
}

if [ "$1" = --one ]; then
  run_tests "$2" "$3"
  exit
fi

# Under a sanitizer, with gcov or in wine everything takes longer.
if [ -n "$1$KG_TEST_RUNNER" ]; then seconds=300; else seconds=120; fi
# A limit of the caller's goes before that.
wrapper="timeout -s KILL ${KG_TEST_SECONDS:-$seconds} ${KG_TEST_RUNNER:-}"
case $1 in
  *thread*)
    # The thread sanitizer cannot live with much randomness of addresses.
    if command -v setarch >/dev/null 2>&1; then
      wrapper="$wrapper setarch -R"
    fi
    ;;
esac
shift
results=$(mktemp)
trap 'rm -f "$results"' EXIT
printf '%s\n' "$@" |
  xargs -P "$(nproc)" -I '{}' sh "$0" --one "$wrapper" '{}' |
  tee "$results"
passed=$(grep -c '^ok   ' "$results")
failed=$(grep -c '^FAIL ' "$results")
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
