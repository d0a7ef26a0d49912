#!/usr/bin/env bash
# certbot's manual hook as dehydrated's, as such scripts are usually written; $1 is the hook.
set -euo pipefail

hook="${1:?usage: adapter.bash HOOK}"

fail() {
  echo "adapter: $*" >&2
  exit 1
}

[[ -x "$hook" ]] || fail "$hook is not executable"
: "${CERTBOT_DOMAIN:?}" "${CERTBOT_VALIDATION:?}"

case "${CERTBOT_AUTH_OUTPUT+cleanup}" in
  cleanup) operation=clean_challenge ;;
  *) operation=deploy_challenge ;;
esac

"$hook" "$operation" "$CERTBOT_DOMAIN" "${CERTBOT_TOKEN:-}" "$CERTBOT_VALIDATION" || fail "$hook ended with $?"
