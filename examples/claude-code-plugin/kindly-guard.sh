#!/bin/sh
# Runs a command of kindly-guard-ipc; without it there is nothing to say.
cli="${CLAUDE_PLUGIN_OPTION_CLI:-kindly-guard-ipc}"
command -v "$cli" >/dev/null 2>&1 || exit 0
exec "$cli" "$@"
