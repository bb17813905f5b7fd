#!/bin/sh
# run.sh <sanitizer or ''> <test binary>...: runs every test of every binary,
# each in its own process, and counts.
sanitizer=$1
shift
wrapper=
case $sanitizer in
  *thread*)
    # The thread sanitizer cannot live with much randomness of addresses.
    if command -v setarch >/dev/null 2>&1; then
      wrapper="setarch -R"
    fi
    ;;
esac
passed=0
failed=0
output=$(mktemp)
list=$(mktemp)
trap 'rm -f "$output" "$list"' EXIT
for binary in "$@"; do
  name=${binary#build/}
  index=0
  if ! $wrapper "$binary" --list >"$list" || ! [ -s "$list" ]; then
    echo "FAIL $name: it lists no tests"
    failed=$((failed + 1))
    continue
  fi
  while IFS= read -r title; do
    if $wrapper "$binary" --run "$index" >"$output" 2>&1 </dev/null; then
      echo "ok   $name: $title"
      passed=$((passed + 1))
    else
      echo "FAIL $name: $title (exit $?, --run $index)"
      sed 's/^/     /' "$output"
      failed=$((failed + 1))
    fi
    index=$((index + 1))
  done <"$list"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
